"""Cutting a live object to our fields: what a server adds is not seen, what differs is."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import STACK, spec

from eksprov.kube.order import APPLY_ORDER, for_apply, for_delete
from eksprov.kube.owned import cut, flat, quantity
from eksprov.serving import manifests

OBJECTS = [*manifests.shared("models", STACK).values(), *manifests.of_model(spec()).values()]
DEPLOYMENT = manifests.of_model(spec())["model/digits/deployment"]


def noisy(tree: Any) -> Any:
    """The tree with fields added everywhere, as a server does."""
    if isinstance(tree, dict):
        return {**{key: noisy(value) for key, value in tree.items()}, "addedByServer": "x"}
    return [noisy(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("manifest", OBJECTS, ids=lambda m: m["kind"])
def test_what_the_server_adds_is_not_seen(manifest: Any) -> None:
    assert cut(noisy(manifest), manifest) == flat(manifest)


@pytest.mark.parametrize(
    ("sent", "read"), [("0.5", "500m"), ("1024Mi", "1Gi"), ("1", "1000m"), (1, "1"), ("1500m", "1.5"), ("1e3", "1k")]
)
def test_the_same_quantity_in_other_words_is_the_same(sent: Any, read: Any) -> None:
    like, live = ({"resources": {"requests": {"cpu": value}}} for value in (sent, read))
    assert cut(live, like) == flat(like)


def test_a_changed_quantity_is_seen() -> None:
    live = copy.deepcopy(dict(DEPLOYMENT))
    live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "2Gi"
    want, have = flat(DEPLOYMENT), cut(live, DEPLOYMENT)
    differing = {path for path in want if want[path] != have.get(path)}
    assert differing == {"spec.template.spec.containers[name=server].resources.limits.memory"}


def test_items_of_merged_lists_are_found_by_key_wherever_they_are() -> None:
    live = copy.deepcopy(dict(DEPLOYMENT))
    live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "injected", "image": "x"})
    live["spec"]["template"]["spec"]["containers"][1]["env"].reverse()
    assert cut(live, DEPLOYMENT) == flat(DEPLOYMENT)


@pytest.mark.parametrize("key", ["env", "ports", "containers", "volumes"])
def test_a_label_may_have_the_name_of_a_list(key: str) -> None:
    sent, found = ({"metadata": {"labels": {key: value}}, "spec": {"tags": {key: value}}} for value in ("prod", "test"))
    assert flat(sent) == {f"metadata.labels.{key}": "prod", f"spec.tags.{key}": "prod"}
    assert cut(found, sent) == {f"metadata.labels.{key}": "test", f"spec.tags.{key}": "test"}


def test_another_length_of_a_list_replaced_as_a_whole_is_seen() -> None:
    live = copy.deepcopy(dict(DEPLOYMENT))
    live["spec"]["template"]["spec"]["initContainers"][0]["args"].append("--delete")
    assert cut(live, DEPLOYMENT) != flat(DEPLOYMENT)


def test_a_missing_field_or_item_is_seen() -> None:
    live = copy.deepcopy(dict(DEPLOYMENT))
    del live["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    assert cut(live, DEPLOYMENT) != flat(DEPLOYMENT)
    assert cut({**DEPLOYMENT, "spec": {}}, DEPLOYMENT) != flat(DEPLOYMENT)


@given(st.decimals(0, 10**6, places=3), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi", "Ti"]))
def test_a_quantity_is_its_number_times_its_suffix(number: Decimal, suffix: str) -> None:
    assert quantity(f"{number}{suffix}") == number * quantity(f"1{suffix}")


def test_a_namespace_comes_before_and_goes_after_what_is_in_it() -> None:
    ordered = [m["kind"] for m in for_apply(reversed(OBJECTS))]
    assert ordered == sorted(ordered, key=APPLY_ORDER.index)
    assert ordered[0] == "Namespace"
    assert [m["kind"] for m in for_delete(OBJECTS)] == ordered[::-1]
