"""Exceptions as Python prints them, read out of any text: a log, or what a server answered. Pure.

A traceback is known by its structure, not by the names of exceptions: a header, or a frame where the header was cut off
(`  File "…", line n`), then indented lines, then the first line at the margin, which is the exception: its type and,
after a colon, its message. The message may have more lines; they end where a new traceback, the sentence that joins two
exceptions, or a line of a log begins. Groups of exceptions carry a margin of `|` and `+`.
https://docs.python.org/3/library/traceback.html, https://peps.python.org/pep-0654/#handling-of-exception-groups
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

HEADER: Final = "Traceback (most recent call last):"
_OPENS = re.compile(r"^.*?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r'^\s+File "[^"]*", line \d+')
_RAISED = re.compile(r"^(?P<name>(?:[^\W\d]|<)[\w<>]*(?:\.[\w<>]+)*)(?:: ?(?P<message>.*))?$")
_MARGIN = re.compile(r"^ *(?:\|(?: |$)|\+ )")
_SEPARATOR = re.compile(r"^ *(?:\+-)?\+-+(?: \d+ -+)?$")
_CLOSING = re.compile(r"""\n['"][)\]}]*$""")  # of a representation that held the traceback
_QUOTE: Final = '"""'  # Python's process pools quote another process's traceback between these
_CAUSED: Final = "The above exception was the direct cause of the following exception:"
_CONTEXT: Final = "During handling of the above exception, another exception occurred:"
# What begins a line of a log: a date, a time, a level, a place in a warning (`…/x.py:12: UserWarning: …`), an access.
_LOGGED = re.compile(
    r"^\[?(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\d{1,3}(?:\.\d{1,3}){3} )"
    r"|^\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b"
    r"|^\S+\.py:\d+: "
)


@dataclass(frozen=True)
class Raised:
    """One printed exception.

    `type` is its type as printed, with its module ("sklearn.exceptions.NotFittedError"); `message` all lines of its
    message; `cause` the exception that it was raised from (`raise … from`), `context` the one that was being handled.
    """

    type: str
    message: str
    cause: Raised | None = None
    context: Raised | None = None

    @property
    def name(self) -> str:
        """The type without its module."""
        return self.type.rpartition(".")[2]

    def line(self, limit: int = 400) -> str:
        """The exception in one line of at most `limit` characters, with the first cause where it says something new."""
        own = self._own(limit)
        first = self
        while first.cause is not None:
            first = first.cause
        told = first._own(limit)
        return own if told == own else f"{own} (from {told})"

    def _own(self, limit: int) -> str:
        said = " ".join(self.message.split())
        whole = f"{self.type}: {said}" if said else self.type
        return whole if len(whole) <= limit else whole[: limit - 1] + "…"


def raised_in(text: str) -> tuple[Raised, ...]:
    """Every exception whose traceback is in the text, in the order of printing; the last one is what ended the call."""
    found: list[Raised] = []
    joint = ""
    for part in _parts(_unfolded(text)):
        if isinstance(part, str):
            joint = part
            continue
        before = found[-1] if found and joint else None
        if joint == _CAUSED:
            part = replace(part, cause=before)
        elif joint == _CONTEXT:
            part = replace(part, context=before)
        joint = ""
        found.append(part)
    return tuple(found)


def _parts(lines: Iterator[str]) -> Iterator[Raised | str]:
    """The exceptions and the sentences that join them, in order."""
    opened = False  # between a traceback's header and the exception's own line
    name, said = "", list[str]()
    for line in lines:
        begins = bool(_OPENS.match(line) or _FRAME.match(line) or _SEPARATOR.match(line))
        if name and (begins or line in (_CAUSED, _CONTEXT) or _LOGGED.match(line) or line == _QUOTE):
            yield Raised(name, "\n".join(said).strip())
            name = ""
        if line in (_CAUSED, _CONTEXT):
            yield line
        elif begins:
            opened = True
        elif name:
            said.append(line)
        elif opened and line and not line[0].isspace():
            opened = False
            if found := _RAISED.match(line):
                name, said = found["name"], [found["message"] or ""]
    if name:
        yield Raised(name, "\n".join(said).strip())


def _unfolded(text: str) -> Iterator[str]:
    """The text's lines without the margin of groups; tracebacks inside a line of JSON, or with their line ends escaped,
    as lines of their own."""
    for line in text.splitlines():
        line = line.rstrip()
        if HEADER in line and not line.endswith(HEADER):
            yield from _unfolded(_inner(line))
            yield _QUOTE
        else:
            yield _MARGIN.sub("", line) if not _SEPARATOR.match(line) else line


def _inner(line: str) -> str:
    """The traceback that one line holds, with line ends."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    for text in _strings(value):
        if f"{HEADER}\n" in text:
            return text
    if f"{HEADER}\\n" in line:
        return _CLOSING.sub("", line.replace("\\n", "\n"))
    return line.replace(HEADER, "Traceback: ")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
