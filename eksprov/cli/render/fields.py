"""What changes, one field a line: "desired_size 2 -> 3". Pure.

Of values with an inside (tags, rules, JSON) only what differs in them is told, each under its own name; a long one is
shown from where it begins to differ, so that two lines never read the same.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from eksprov.cli.words import clean
from eksprov.core.change import UNKNOWN, FieldChange

WIDEST_VALUE: Final = 72  # characters of a value in a plan's text; the JSON has all of it
BEFORE: Final = 12  # characters of a long value that are shown before the first difference
WHOLE: Final = "fields"  # of an object in Kubernetes: its paths say enough
_NOTHING: Final = object()


def field_lines(field: FieldChange) -> list[str]:
    """The lines of a field that changes."""
    name = "" if field.name == WHOLE and isinstance(field.want, Mapping) else field.name
    return list(_differences(name, field.have, field.want))


def value_text(value: Any) -> str:
    """A field's value in a line, cut where it is long."""
    text = _text(value)
    return text if len(text) <= WIDEST_VALUE else text[: WIDEST_VALUE - 1] + "…"


def _differences(name: str, have: Any, want: Any) -> Iterator[str]:
    if have == want:
        return
    inside, other = _inside(have), _inside(want)
    if inside is not None and other is not None:
        for key in dict.fromkeys((*inside, *other)):
            yield from _differences(
                f"{name}.{key}" if name else str(key), inside.get(key, _NOTHING), other.get(key, _NOTHING)
            )
    elif _is_many(have) and _is_many(want) and len(_text(have)) + len(_text(want)) > WIDEST_VALUE:
        old, new = [_item(one) for one in have], [_item(one) for one in want]
        lines = [f"{name} -{_cut(one)}" for one in old if one not in new]
        lines += [f"{name} +{_cut(one)}" for one in new if one not in old]
        yield from sorted(lines) or (f"{name} in another order",)
    else:
        yield f"{name} {' -> '.join(_apart(_text(have), _text(want)))}"


def _inside(value: Any) -> Mapping[str, Any] | None:
    """The parts of a value that has any, by name."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, str) and value.startswith("{"):
        try:
            parsed = json.loads(value)
        except ValueError:
            return None
        return parsed if isinstance(parsed, dict) else None
    return None


def _is_many(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)


def _text(value: Any) -> str:
    if value is _NOTHING or value is None:
        return "(none)"
    if isinstance(value, frozenset | set):
        text = "{" + ", ".join(sorted(map(_item, value))) + "}"
    elif isinstance(value, tuple | list):
        text = "[" + ", ".join(map(_item, value)) + "]"
    elif isinstance(value, str) and value is not UNKNOWN:
        text = value or '""'
    else:
        text = str(value)
    return clean(text).replace("\n", " ")


def _item(value: Any) -> str:
    """One of several: a pair as key=value, a taint as key=value:effect."""
    if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        return f"{'='.join(value[:2])}{''.join(f':{part}' for part in value[2:])}"
    return json.dumps(value, sort_keys=True, default=str) if isinstance(value, dict) else str(value)


def _cut(text: str) -> str:
    return value_text(text)


def _apart(have: str, want: str) -> tuple[str, str]:
    """Both, from a little before their first difference where one of them is too long to be shown."""
    if max(len(have), len(want)) <= WIDEST_VALUE:
        return have, want
    same = next((at for at, (a, b) in enumerate(zip(have, want, strict=False)) if a != b), min(len(have), len(want)))
    start = max(0, same - BEFORE)
    return tuple(_cut(f"{'…' if start else ''}{text[start:]}") for text in (have, want))  # type: ignore[return-value]  # two
