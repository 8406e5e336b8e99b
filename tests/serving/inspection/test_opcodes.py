"""Pickles taken apart: every protocol, whole, cut and spoilt, without running any of it and in bounded memory."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from eksprov.serving.inspection.opcodes import MAX_OPCODES, Made, Named, Stream, take_apart

ROWS = np.random.default_rng(0).random((60, 3))
ANSWERS = [0, 1] * 30
TABLE = pd.DataFrame(ROWS, columns=["a", "b", "c"]).assign(c=["x", "y"] * 30)
COLUMNS = ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("c", OneHotEncoder(), ["c"])])
MODELS = {
    "bayes": GaussianNB().fit(ROWS, ANSWERS),
    "forest": RandomForestClassifier(5).fit(ROWS, ANSWERS),
    "boosting": HistGradientBoostingClassifier(max_iter=3).fit(ROWS, ANSWERS),
    "neighbours": KNeighborsClassifier().fit(ROWS, ANSWERS),
    "columns": make_pipeline(COLUMNS, GaussianNB()).fit(TABLE, ANSWERS),
    "in a dict": {"model": GaussianNB().fit(ROWS, ANSWERS)},
}


def of_joblib(model: Any, protocol: int) -> bytes:
    content = io.BytesIO()
    joblib.dump(model, content, protocol=protocol)
    return content.getvalue()


def apart(content: bytes) -> Any:
    return take_apart(Stream(io.BytesIO(content), size=len(content)))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("write", [pickle.dumps, of_joblib])
@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_read_to_its_end(name: str, write: Callable[[Any, int], bytes], protocol: int) -> None:
    content = write(MODELS[name], protocol)
    found = apart(content)
    assert (found.end, found.position, found.external) == ("whole", len(content), False)
    kind = type(MODELS[name])
    if kind is dict:
        assert list(found.top) == ["model"]
    else:
        assert isinstance(found.top, Made)
        assert Named(kind.__module__, kind.__qualname__) in found.names
    for at in range(1, len(content) - 1, max(1, len(content) // 20)):
        assert apart(content[:at]).end == "cut off"


@pytest.mark.parametrize("seed", range(40))
def test_nothing_that_is_spoilt_breaks_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(of_joblib(MODELS[chance.choice(list(MODELS))], chance.randrange(6)))
    for _ in range(chance.randrange(1, 8)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    assert apart(bytes(content)).end in ("whole", "cut off", "damaged", "unread")


def test_a_string_of_opcodes_without_end_is_left_unread() -> None:
    assert apart(b"\x80\x04" + b"N0" * MAX_OPCODES).end == "unread"


def test_long_texts_and_large_arrays_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "large.joblib"
    joblib.dump({"text": "x" * 5_000_000, "rows": np.zeros(2_000_000), "raw": b"x" * 5_000_000}, path)
    packed = tmp_path / "large.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    tracemalloc.start()
    with path.open("rb") as plain, gzip.open(packed) as unpacked:
        found = take_apart(Stream(plain, size=path.stat().st_size))
        again = take_apart(Stream(cast("IO[bytes]", unpacked), limit=2**30))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.end, found.position) == ("whole", path.stat().st_size)
    assert (again.end, again.position) == ("whole", path.stat().st_size)
    assert peak < 4_000_000


def test_what_unpacks_to_more_than_the_limit_is_left_unread() -> None:
    bomb = gzip.compress(pickle.dumps(b"\x00" * 3_000_000))
    with gzip.open(io.BytesIO(bomb)) as stream:
        assert take_apart(Stream(cast("IO[bytes]", stream), limit=1_000_000)).end == "unread"


def test_nothing_is_imported_and_nothing_called(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return (os.mkdir, (str(tmp_path / "exploded"),))

    found = apart(pickle.dumps([Bomb()]))
    assert [str(name) for name in found.names] == ["posix.mkdir"]
    assert apart(b"cno.such.module\nThing\n)R.").end == "whole"
    assert list(tmp_path.iterdir()) == []
