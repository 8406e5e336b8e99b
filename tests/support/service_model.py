"""Parameters of a request against the service's model: what AWS would refuse that botocore lets pass. Pure.

botocore itself checks types, required members and minima. The models it carries say more: an enum's values, patterns,
and how long or large a thing may be (https://smithy.io/2.0/spec/constraint-traits.html). A value outside them is
answered with a ValidationException, or worse, taken by an emulator and refused by AWS.

*Patterns match the whole value.* Smithy's own do not, unless they say so with `^` and `$`; but the models of botocore
are older than Smithy, and services match them as Java's `String.matches` does: `"a-name"` in quotation marks is refused
by `[a-zA-Z0-9_.-]+` (https://github.com/aws/aws-cli/issues/790), though a part of it matches.

*Patterns are Java's* (https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html). The package `regex`
reads classes such as `\\p{L}`, which `re` does not; pairs of surrogates, which are one character for Java and which
neither reads, are written as that character; `\\w`, `\\d` and `\\s` are ASCII's alone, unlike Python's.

Lengths of strings are counted in characters, of blobs in bytes, of lists and maps in members
(https://smithy.io/2.0/spec/constraint-traits.html#length-trait).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import regex
from botocore.session import Session

SURROGATES = regex.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
SIZED = frozenset({"string", "blob", "list", "map"})  # `min` and `max` are of their length; of numbers, the value


REGIONS = "BucketLocationConstraint"  # S3's own list of regions is behind that of botocore's endpoints


@cache
def regions() -> frozenset[str]:
    """Every region of every partition that botocore knows."""
    session = Session()
    found = (session.get_available_regions("eks", name) for name in session.get_available_partitions())
    return frozenset(region for names in found for region in names)


@dataclass(frozen=True)
class Breach:
    """A value that the model does not allow: where it is, which constraint it breaks, what it is."""

    path: str  # of the member, such as "Tags[0].Value"
    constraint: str  # "enum", "pattern", "min" or "max"
    allowed: Any  # what the model says
    value: Any

    def __str__(self) -> str:
        return f"{self.path or 'the whole'}: {_short(self.value)} against {self.constraint} {_short(self.allowed)}"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}… ({len(value)} long)"


def breaches(shape: Any, value: Any, path: str = "") -> Iterator[Breach]:
    """Every breach in a value of a shape (botocore.model); values of a wrong type are left to botocore."""
    said = shape.metadata
    if said:
        yield from _own(shape, said, value, path)
    sort = shape.type_name
    if sort == "structure" and isinstance(value, Mapping):
        members = shape.members
        for name, inner in value.items():
            if name in members:
                yield from breaches(members[name], inner, f"{path}.{name}" if path else name)
    elif sort == "list" and isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from breaches(shape.member, inner, f"{path}[{index}]")
    elif sort == "map" and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from breaches(shape.key, key, f"{path}[key {key!r}]")
            yield from breaches(shape.value, inner, f"{path}[{key!r}]")


def _own(shape: Any, said: Mapping[str, Any], value: Any, path: str) -> Iterator[Breach]:
    """What the shape itself says, its members aside."""
    if isinstance(value, str):
        if "enum" in said and value not in said["enum"] and not (shape.name == REGIONS and value in regions()):
            yield Breach(path, "enum", tuple(said["enum"]), value)
        if "pattern" in said and not matches(said["pattern"], value):
            yield Breach(path, "pattern", said["pattern"], value)
    size = _size(shape.type_name, value)
    if size is None:
        return
    if "min" in said and size < said["min"]:
        yield Breach(path, "min", said["min"], value)
    if "max" in said and size > said["max"]:
        yield Breach(path, "max", said["max"], value)


def _size(sort: str, value: Any) -> float | None:
    """What `min` and `max` are about; nothing for a value that has no such thing, such as a stream."""
    if sort in SIZED:
        return len(value) if isinstance(value, str | bytes | bytearray | list | tuple | Mapping) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@lru_cache(maxsize=50_000)
def matches(pattern: str, value: str) -> bool:
    """Whether a pattern matches a whole value; tests send the same names and documents again and again."""
    return compiled(pattern).fullmatch(value) is not None


@cache
def compiled(pattern: str) -> Any:
    """A pattern of a model. ASCII would be the end of `\\p` too; no pattern has both `\\p` and `\\w`."""
    return regex.compile(SURROGATES.sub(_paired, pattern), 0 if r"\p" in pattern else regex.ASCII)


def _paired(found: Any) -> str:
    high, low = (int(half, 16) for half in found.groups())
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"
