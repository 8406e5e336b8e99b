"""What manifests promise, written down as data: every leaf of every object, with its reason.

A file below `tests/laws/promises` says, object by object, why which fields have which values. A leaf is a value that is
no mapping and no list of mappings. Its path names members of lists by what tells them apart (`containers[server]`), and
keys that are no plain words in brackets (`labels[eksprov.dev/stack]`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "laws" / "promises"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*")
IDENTITIES = ("name", "key", "topologyKey", "deviceName")
ON = ("resources", "resourceNames")
SHORT = {
    "spec.template.spec.": "template.",
    "spec.versions[v1].schema.openAPIV3Schema.properties.": "schema.",
}


def leaves(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; what is empty is a leaf too, because it means something in Kubernetes."""
    for path, value in _below(manifest, ""):
        long = next((prefix for prefix in SHORT if path.startswith(prefix)), "")
        yield SHORT.get(long, "") + path.removeprefix(long), value


def _below(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if path == "rules":
        yield from _rights(value)
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            plain = PLAIN.fullmatch(key)
            step = (f".{key}" if path else key) if plain else f"[{key}]"
            yield from _below(inner, path + step)
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for (identity, name), inner in zip(_names(value), value, strict=True):
            rest = {key: one for key, one in inner.items() if key != identity}
            yield from _below(rest, f"{path}[{name}]")
    else:
        yield path, value


def _rights(rules: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Rules of RBAC: what may be done, by what it may be done to."""
    for rule in rules:
        assert rule.keys() <= {"apiGroups", *ON, "verbs"}
        groups = [group or "core" for group in rule.get("apiGroups", ())]
        on = [*groups, *(one for key in ON for one in rule.get(key, ()))]
        yield f"rules[{' '.join(on)}]", " ".join(rule.get("verbs", ()))


def _names(items: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What each is told apart by: the first key that does so for all of them, and its value; else its place."""
    for identity in IDENTITIES:
        names = [str(one.get(identity, "")) for one in items]
        if all(names) and len(set(names)) == len(names):
            return [(identity, name) for name in names]
    return [("", str(number)) for number in range(len(items))]


@dataclass
class Promises:
    """An object's fields that are promised, and those that may be anything (`*` stands for any text)."""

    fields: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    neutral: dict[str, str] = field(default_factory=dict)

    def broken(self, manifest: Mapping[str, Any], otherwise: Mapping[str, Any]) -> list[str]:
        """What is not as it was promised. `otherwise`: fields of other values in this variant, None where absent."""
        want = {path: value for path, value in {**self.fields, **otherwise}.items() if value is not None}
        found = dict(leaves(manifest))
        told = [f"{path} is gone ({self._reason(path)})" for path in want.keys() - found.keys()]
        for path, value in found.items():
            if path in want:
                if not _same(value, want[path]):
                    told.append(f"{path} is {value!r}, not {want[path]!r} ({self._reason(path)})")
            elif not self.is_neutral(path):
                told.append(f"{path} is {value!r}, and nothing says why")
        return sorted(told)

    def is_neutral(self, path: str) -> bool:
        """Whether it may be anything."""
        return any(fnmatch.fnmatchcase(path, _literal(pattern)) for pattern in self.neutral)

    def _reason(self, path: str) -> str:
        return self.why.get(path, "this variant")


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one type: Kubernetes tells 1 from "1" and True."""
    return type(one) is type(other) and one == other


def _literal(pattern: str) -> str:
    """Brackets of a path are no classes of characters."""
    return pattern.replace("[", "[[]")


@cache
def variants(file: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What differs in each variant, object by object."""
    found: dict[str, dict[str, dict[str, Any]]] = _read(file)["variants"]
    return found


def _read(file: str) -> Any:
    return yaml.safe_load((FOLDER / f"{file}.yaml").read_text())


@cache
def promises(file: str) -> dict[str, Promises]:
    """The objects of a file; what stands under `everything` holds for each of them."""
    data = _read(file)
    del data["variants"]
    common = data.pop("everything", [])
    found = {}
    for name, groups in data.items():
        made = found[name] = Promises()
        for group in (*common, *groups):
            made.fields |= group.get("is", {})
            made.why |= dict.fromkeys(group.get("is", {}), group["why"])
            made.neutral |= dict.fromkeys(group.get("neutral", ()), group["why"])
    return found
