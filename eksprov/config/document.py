"""YAML text to plain values, with the line of every path; what YAML itself allows but nobody means is refused.

The events are walked once for depth and size before anything is built, so a bomb costs no more than its bytes. Values
follow YAML 1.1 as pyyaml reads it, but only plain decimals are numbers (`0123` and `1:30` stay text), keys are always
text, and a key written twice is a problem. Nothing here knows what the keys mean.

YAML 1.1: https://yaml.org/spec/1.1/, merge keys: https://yaml.org/type/merge.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from eksprov.errors import ConfigError, Problem

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 20
MAX_PLAIN_DEPTH: Final = 100
MAX_VALUES: Final = 20_000  # after every alias is written out; a full config of 30 node groups has about 1,000
MAX_DIGITS: Final = 15  # what a double holds exactly; no number of a config is longer

Path = tuple[str | int, ...]
Value = Any  # None, bool, int, float, str, list[Value] or dict[str, Value]

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BOOLS: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass
class Document:
    """A file as plain values. `lines` has a 1-based line for every path, `texts` what was written for a scalar."""

    value: Value = None
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it."""
        return next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 0)


def read(data: bytes | str, file: str = "") -> Document:
    """Read one YAML document.

    Raises ConfigError where there is no use in going on (not UTF-8, a syntax error, a bomb); what leaves the rest
    readable is in `problems`.
    """
    text = _decoded(data, file)
    try:
        _measure(text, file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise _syntax(text, error, file) from error
    except (yaml.YAMLError, UnicodeError) as error:
        line = text[: getattr(error, "position", 0)].count("\n") + 1
        raise _stop("a character that YAML does not allow", file, line) from error
    builder = _Builder(file)
    if node is not None:
        builder.document.value = builder.build(node, ())
    return builder.document


def plain(data: bytes | str) -> Any:
    """Any YAML document, with values as pyyaml makes them; for files that are not configs.

    It is measured before it is built: pyyaml's C loader recurses, and a file that is nested too deep ends the process.
    Raises: yaml.YAMLError.
    """
    depth = 0
    try:
        for event in yaml.parse(data, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_PLAIN_DEPTH:
                raise yaml.YAMLError(f"nested deeper than {MAX_PLAIN_DEPTH} levels")
        return yaml.load(data, Loader=_LOADER)  # a safe loader
    except ValueError as error:  # a number of too many digits, a date that there is not
        raise yaml.YAMLError(str(error)) from error


def show(path: Path) -> str:
    """A path as people write it: `node_groups[0].desired_size`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _decoded(data: bytes | str, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise _stop(f"the file is larger than {MAX_BYTES // 1024} KiB", file)
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _stop(f"not UTF-8 text (byte {error.start + 1})", file, line, "save the file as UTF-8") from error


def _measure(text: str, file: str) -> None:
    """Refuse what is too deep or too large before it is built; a generator of events needs no recursion."""
    depth = count = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
        if depth > MAX_DEPTH or count > MAX_VALUES:
            raise _too_much(file, event.start_mark.line + 1 if event.start_mark is not None else 0)


def _too_much(file: str, line: int) -> ConfigError:
    return _stop(f"nested deeper than {MAX_DEPTH} levels, or more than {MAX_VALUES} values", file, line)


def _syntax(text: str, error: yaml.MarkedYAMLError, file: str) -> ConfigError:
    mark = error.problem_mark if error.problem_mark is not None else error.context_mark
    number = mark.line + 1 if mark is not None else 0
    line = text.splitlines()[number - 1] if 0 < number <= len(text.splitlines()) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _stop("a tab at the beginning of the line", file, number, "YAML is indented with spaces only")
    said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    return _stop(f"not YAML: {said}", file, number)


def _stop(message: str, file: str, line: int = 0, hint: str = "") -> ConfigError:
    return ConfigError((Problem(message, file=file, line=line, hint=hint),))


class _Builder:
    """Turns nodes into values, writing every alias out (depth and number stay limited, so cycles end too)."""

    def __init__(self, file: str) -> None:
        self.document = Document()
        self._file = file
        self._count = self._merges = 0

    def build(self, node: yaml.Node, path: Path) -> Value:
        """The value of a node, its lines noted below `path`."""
        self._count += 1
        if len(path) > MAX_DEPTH or self._count > MAX_VALUES:
            raise _too_much(self._file, node.start_mark.line + 1)
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        match node:
            case yaml.MappingNode() if node.tag == f"{_TAG}map":
                return self._mapping(node, path)
            case yaml.SequenceNode() if node.tag == f"{_TAG}seq":
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                self.document.texts[path] = node.value
                return self._scalar(node, path)
        self._problem(f"the YAML tag {_short(node.tag)} is not supported", node, path)
        return None

    def _mapping(self, node: yaml.MappingNode, path: Path, known: frozenset[str] = frozenset()) -> dict[str, Value]:
        """The mapping's own keys, then those it merges; `known` keys are another's already and win."""
        values: dict[str, Value] = {}
        for key, value in self._pairs(node, path):
            here = (*path, key.value)
            if key.value in values:
                first = self.document.lines[here]
                self._problem(f"the key is written twice (first in line {first})", key, here, "keep one of them")
            elif key.value not in known:
                self.document.lines[here] = key.start_mark.line + 1
                values[key.value] = self.build(value, here)
        self._merges += 1
        for source in self._merged(node, path):
            values |= self._mapping(source, path, known | values.keys())
        self._merges -= 1
        return values

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if key.tag == _MERGE:
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._problem("a key must be a word, not a list or a mapping", key, path)
            elif len(key.value) > 512 or not key.value.isprintable():
                self._problem("a key that is too long or cannot be printed", key, path)
            else:
                yield key, value

    def _merged(self, node: yaml.MappingNode, path: Path) -> Iterator[yaml.MappingNode]:
        for key, value in node.value:
            if key.tag != _MERGE:
                continue
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in sources:
                self._count += 1
                if self._count > MAX_VALUES or self._merges > MAX_DEPTH:  # merges can go in a circle, too
                    raise _too_much(self._file, key.start_mark.line + 1)
                if isinstance(source, yaml.MappingNode):
                    yield source
                else:
                    self._problem("<< can only merge mappings", key, path)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Value:
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool" if node.value.lower() in _BOOLS:
                return _BOOLS[node.value.lower()]
            case "int" if _INTEGER.fullmatch(node.value):
                return self._number(node, path)
            case "float" if node.value[-1:].isdigit() or node.value.lower().endswith((".", "inf", "nan")):
                return self._number(node, path)
            case "str" | "int" | "float" | "timestamp" | "value" | "merge":
                return self._text(node, path)
        self._problem(f"the YAML tag {_short(node.tag)} is not supported", node, path)
        return None

    def _number(self, node: yaml.ScalarNode, path: Path) -> Value:
        text = node.value.replace("_", "").lower()
        if sum(map(str.isdigit, text)) > MAX_DIGITS:
            self._problem("the number is too long", node, path)
            return None
        if _INTEGER.fullmatch(text):
            return int(text)
        try:
            number = float(text.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:  # 1:30.5, YAML 1.1's base 60
            return self._text(node, path)
        if not math.isfinite(number):
            self._problem(f"{node.value} is not a number that can be used", node, path)
            return None
        return number

    def _text(self, node: yaml.ScalarNode, path: Path) -> Value:
        try:
            node.value.encode()
        except UnicodeEncodeError:
            self._problem("half of a character (a lone surrogate)", node, path)
            return None
        return node.value

    def _problem(self, message: str, node: yaml.Node, path: Path, hint: str = "") -> None:
        line = node.start_mark.line + 1
        self.document.problems.append(Problem(message, show(path), self._file, line, hint))


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(_TAG)}"[:80] if tag.startswith(_TAG) else tag[:80]
