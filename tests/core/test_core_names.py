"""Laws of names with parts: what was put together is taken apart again, and nobody else takes them apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eksprov.core.names import (
    InBucket,
    InCluster,
    Namespaced,
    Parts,
    ServiceAccount,
    StepName,
    is_models,
    last_part,
    model_step,
)

PACKAGE = Path(__file__).parents[2] / "eksprov"
WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-@.", min_size=1)
# Files that take texts of others apart: keys of the config, paths, URLs, images, ARNs of sessions.
OTHERS = {
    "aws/tagging_nodes.py": "a node group's ARN",
    "config/rules/base.py": "keys of the config",
    "config/rules/control_plane.py": "a session's ARN",
    "controllers/parts.py": "an API group with its version",
    "core/names.py": "the place",
    "permissions/__init__.py": "an s3:// URL",
    "pins/registry.py": "an image",
    "preflight/lookups.py": "an ARN's resource",
    "serving/runtimes/mlserver/candidates.py": "a path",
    "serving/files.py": "a key below a prefix",
    "serving/inspection/folder.py": "a path",
    "steps/monitoring/log_group.py": "a log group's name",
    "steps/identity/principal.py": "an ARN's resource",
    "operations/given_roles.py": "a role's path in its ARN",
    "operations/own_access.py": "a session's ARN",
    "preflight/disk_keys.py": "a service-linked role's path",
}


@pytest.mark.parametrize("kind", [StepName, InCluster, ServiceAccount, Namespaced, InBucket])
@given(data=st.data())
def test_what_was_put_together_is_taken_apart_again(kind: type[Parts], data: st.DataObject) -> None:
    count = len(kind.__dataclass_fields__)  # type: ignore[attr-defined]  # of a dataclass
    parts = [data.draw(WORD) for _ in range(count)]
    assert kind.parse(str(kind(*parts))) == kind(*parts)


def test_the_last_part_may_hold_slashes_and_may_be_missing() -> None:
    arn = "arn:aws:iam::123456789012:role/eksprov/node"
    assert InCluster.parse(f"ml/{arn}") == InCluster("ml", arn)
    assert StepName.parse("cluster") == StepName("cluster", "", "")
    assert str(StepName("cluster")) == "cluster"
    assert InBucket.parse("bucket/models/digits/").prefix == "models/digits/"
    assert (last_part(arn), last_part("node")) == ("node", "node")


def test_a_models_steps_are_known_by_their_names() -> None:
    assert model_step("digits", "files") == "model/digits/files"
    assert is_models("model/@models/namespace")
    assert not is_models("models/digits")
    assert not is_models("modelling/x")


def test_nobody_else_takes_names_apart() -> None:
    taken = re.compile(r"""(split|partition)\(["']/["']|startswith\(["']model/|["']model/\{""")
    files = [path for path in PACKAGE.rglob("*.py") if "local" not in path.relative_to(PACKAGE).parts]
    found = {str(path.relative_to(PACKAGE)) for path in files if taken.search(path.read_text())}
    assert found == set(OTHERS)
