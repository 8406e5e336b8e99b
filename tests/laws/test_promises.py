"""Every field of every object that eksprov makes in clusters: promised with a reason, or said to be neutral.

The fields are written down beside the product (`promises/*.yaml`), and compared in both directions: one that is gone,
changed or new fails. Whether the promises are good ones, others judge: the Pod Security standard, a real API server.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.promised_manifests import controllers, models, steps_named, without_pool
from support.promises import Promises, leaves, promises, variants
from support.stage import EVERYTHING, Theatre, everything

from eksprov.controllers import KINDS
from eksprov.kube.objects import PLAIN_KINDS

FILES = ("models", "controllers", "definitions")
Objects = Mapping[str, Mapping[str, Any]]


def made(file: str) -> dict[str, Objects]:
    """The objects of a file, by variant."""
    if file == "models":
        return dict(models())

    def of_file(name: str) -> bool:
        return ("definition-" in name) is (file == "definitions")

    every: dict[str, Objects] = {
        variant: {n: m for n, m in objects.items() if of_file(n)} for variant, objects in controllers().items()
    }
    return {"usual": every["usual"]} if file == "definitions" else every


def cases() -> Iterator[Any]:
    for file in FILES:
        for variant, objects in made(file).items():
            for name, manifest in objects.items():
                yield pytest.param(file, variant, name, manifest, id=f"{name}, {variant}")


CASES = list(cases())


def broken(file: str, variant: str, name: str, manifest: Mapping[str, Any]) -> list[str]:
    return promises(file)[name].broken(manifest, variants(file).get(variant, {}).get(name, {}))


@pytest.mark.parametrize(("file", "variant", "name", "manifest"), CASES)
def test_every_field_is_as_it_was_promised(file: str, variant: str, name: str, manifest: Mapping[str, Any]) -> None:
    assert broken(file, variant, name, manifest) == [], f"keep it, or say why not in tests/laws/promises/{file}.yaml"


@pytest.mark.parametrize("file", FILES)
def test_every_object_is_in_its_file_and_no_promise_outlives_its_object(file: str) -> None:
    every = made(file)
    assert every["usual"].keys() == promises(file).keys()
    assert all(objects.keys() <= every["usual"].keys() for objects in every.values())
    assert variants(file).keys() <= every.keys()
    for variant, objects in variants(file).items():
        for name, otherwise in objects.items():
            usual = promises(file)[name].fields
            idle = [path for path, value in otherwise.items() if usual.get(path) == value]
            assert idle == [], f"{variant}, {name}: as usual"


@pytest.mark.parametrize("file", FILES)
def test_few_fields_are_neutral_and_all_of_them_are_there(file: str) -> None:
    for name, manifest in made(file)["usual"].items():
        there = promises(file)[name]
        free = [path for path, _ in leaves(manifest) if there.is_neutral(path)]
        assert len(free) == len(there.neutral), name
        assert not there.fields.keys() & set(free), f"{name}: promised and neutral"
        assert all("rendered" in path or path.endswith(".image") or "revision" in path for path in free)


@pytest.mark.parametrize(("file", "variant", "name", "manifest"), CASES)
def test_no_field_can_be_dropped_unnoticed(file: str, variant: str, name: str, manifest: Mapping[str, Any]) -> None:
    """Every mapping and list of the manifest, member by member: what is left is told by name."""
    for place in places(manifest):
        if promises(file)[name].is_neutral(path_of(manifest, place)):
            continue
        changed = copy.deepcopy(dict(manifest))
        holder = changed
        for step in place[:-1]:
            holder = holder[step]
        del holder[place[-1]]
        assert broken(file, variant, name, changed), f"{place} can go"


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys and indexes that lead to each member of each mapping and list."""
    for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value) if _is_list(value) else ():
        yield (*above, key)
        yield from places(inner, (*above, key))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def path_of(manifest: Mapping[str, Any], place: tuple[Any, ...]) -> str:
    """The path of the one leaf at a place; empty where there are more."""
    value: Any = manifest
    for step in place:
        value = value[step]
    if isinstance(value, Mapping | list):
        return ""
    marked = copy.deepcopy(dict(manifest))
    holder: Any = marked
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = mark = f"<{value}>"
    return next((path for path, value in leaves(marked) if value is mark), "")


def test_what_is_gone_changed_new_or_of_another_type_is_told_with_its_reason() -> None:
    some = Promises({"spec.a": 1, "spec.b": True}, {"spec.a": "because"}, {"spec.c[*].image": "whichever"})
    right = {"spec": {"a": 1, "b": True, "c": [{"name": "x", "image": "y"}]}}
    assert some.broken(right, {}) == []
    assert some.broken({"spec": {"b": True}}, {}) == ["spec.a is gone (because)"]
    assert some.broken({"spec": {"b": 1, "a": 1}}, {}) == ["spec.b is 1, not True (this variant)"]
    assert some.broken({"spec": {"b": True, "a": "1"}}, {}) == ["spec.a is '1', not 1 (because)"]
    assert some.broken({"spec": {"b": True, "a": 1, "d": {}}}, {}) == ["spec.d is {}, and nothing says why"]
    assert some.broken({"spec": {"b": True}}, {"spec.a": None}) == []
    assert some.broken(right, {"spec.a": 2}) == ["spec.a is 1, not 2 (because)"]


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_object_of_whole_stacks_is_among_them(theatre: Theatre, name: str) -> None:
    """A controller that a stack can have and no promise is about would be found here."""
    with theatre.stage(everything(name)) as stage:
        found = steps_named(stage.opened().steps)
    known = {without_pool(one) for one in (*promises("controllers"), *promises("definitions"))}
    assert found <= known
    assert bool(found) is (name in ("everything", "karpenter"))


NEVER_MADE = {
    ("karpenter.sh/v1", "NodeClaim"): "Karpenter makes them",
    ("scheduling.k8s.io/v1", "PriorityClass"): "looked for, should there be one",
}


def test_every_kind_of_object_has_a_promise() -> None:
    promised = {
        (manifest["apiVersion"], manifest["kind"]) for file in FILES for manifest in made(file)["usual"].values()
    }
    surveyed = {*PLAIN_KINDS, *(pair for kind in KINDS for pair in kind.surveyed)}  # type: ignore[attr-defined]  # ours
    assert surveyed - promised <= NEVER_MADE.keys()
    assert promised <= surveyed | {("apps/v1", "Deployment")}
