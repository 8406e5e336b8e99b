"""Exceptions read out of text: whatever Python prints is read back, wherever it stands."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eksprov.serving.diagnosis.tracebacks import raised_in


class InvalidModelURI(Exception):  # noqa: N818 - MLServer's own name
    """A name with no ending that exceptions usually have."""


WORDS = st.text("abc xyz019[](),;=%", min_size=1, max_size=30).map(str.strip).filter(bool)
MESSAGES = st.lists(WORDS, min_size=1, max_size=4).map("\n".join)
# No KeyError: it prints the representation of its message, whose escapes are no line ends.
KINDS = st.sampled_from([ValueError, LookupError, InvalidModelURI, RuntimeError, asyncio.CancelledError, SystemExit])
CHAINS = st.lists(st.tuples(KINDS, MESSAGES, st.booleans()), min_size=1, max_size=4)


def printed(chain: list[tuple[type[BaseException], str, bool]]) -> tuple[str, list[BaseException]]:
    """What Python prints for a chain, first to last; the flag says `raise … from`, else it is raised while handling."""
    made: list[BaseException] = []
    for kind, message, caused in chain:
        error = kind(message)
        if made:
            error.__cause__ = made[-1] if caused else None
            error.__context__ = made[-1]
            error.__suppress_context__ = caused
        try:
            raise error
        except BaseException as caught:  # the point: it has a frame now
            made.append(caught.with_traceback(caught.__traceback__))
    return "".join(traceback.format_exception(made[-1])), made


def flat(text: str) -> str:
    return " ".join(text.split())


@given(CHAINS)
def test_every_chain_that_python_prints_is_read_back(chain: list[tuple[type[BaseException], str, bool]]) -> None:
    text, made = printed(chain)
    found = raised_in(text)
    assert [each.name for each in found] == [type(error).__name__ for error in made]
    assert [flat(each.message) for each in found] == [flat(str(error)) for error in made]
    for index, (_, _, caused) in list(enumerate(chain))[1:]:
        before = found[index - 1]
        assert (found[index].cause, found[index].context) == ((before, None) if caused else (None, before))


PLACES: dict[str, Callable[[str], str]] = {
    "alone": lambda text: text,
    "in a log": lambda text: (
        f"2026-11-30 10:00:00,123 [mlserver] ERROR - Couldn't load\n{text}"
        "2026-11-30 10:00:01,000 [mlserver] INFO - Shutting down\nINFO:     Finished server process [12]\n"
    ),
    "before a warning": lambda text: f"{text}/usr/lib/x.py:12: UserWarning: old\n  warnings.warn('old')\n",
    "before an access": lambda text: f'{text}127.0.0.1 - - "GET /v2"\n',
    "after its line's beginning": lambda text: f"ERROR: {text}",
    "in a line of JSON": lambda text: json.dumps({"level": "ERROR", "exc_info": text}) + '\n{"level": "INFO"}\n',
    "escaped": lambda text: "error: " + text.replace("\n", "\\n") + "\n",
    "without its header": lambda text: text.partition("\n")[2],
}


@pytest.mark.parametrize("place", PLACES)
@given(kind=KINDS, message=MESSAGES)
def test_an_exception_is_read_wherever_it_stands(place: str, kind: type[BaseException], message: str) -> None:
    text, _ = printed([(kind, message, False)])
    (found,) = raised_in(PLACES[place](text))
    assert (found.name, flat(found.message)) == (kind.__name__, flat(message))


def test_members_of_a_group_are_read_each() -> None:
    inner = ExceptionGroup("inner", [ValueError("one\n\ntwo"), InvalidModelURI("three")])
    try:
        raise ExceptionGroup("outer", [inner, KeyError("four")])
    except ExceptionGroup:
        found = raised_in(traceback.format_exc())
    names = ["ExceptionGroup", "ExceptionGroup", "ValueError", "InvalidModelURI", "KeyError"]
    assert [each.name for each in found] == names
    assert [flat(each.message) for each in found[2:]] == ["one two", "three", "'four'"]


def test_a_line_names_the_first_cause_where_it_says_more() -> None:
    text, _ = printed([(KeyError, "city", False), (ValueError, "not a column\nof the frame", True)])
    assert raised_in(text)[-1].line() == "ValueError: not a column of the frame (from KeyError: 'city')"
    text, _ = printed([(KeyError, "city", False), (KeyError, "city", True)])
    assert raised_in(text)[-1].line() == "KeyError: 'city'"
    text, _ = printed([(ValueError, "x" * 1000, False)])
    assert len(raised_in(text)[-1].line(limit=80)) == 80


def test_what_the_logging_module_prints_is_read() -> None:
    try:
        asyncio.run(_cancelled())
    except asyncio.CancelledError as error:
        record = logging.LogRecord("m", logging.ERROR, "", 0, "failed", None, (type(error), error, error.__traceback__))
    (found,) = raised_in(logging.Formatter("%(asctime)s %(message)s").format(record))
    assert (found.type, found.message) == ("asyncio.exceptions.CancelledError", "")


@pytest.mark.parametrize(
    "text", ["", "ValueError: said in a sentence", "nothing at all\n\n", "Traceback (most recent call last):\n"]
)
def test_text_without_a_traceback_has_no_exception(text: str) -> None:
    assert raised_in(text) == ()


async def _cancelled() -> None:
    raise asyncio.CancelledError
