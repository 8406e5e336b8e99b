"""A stack that is held to a lock file: what the file says, what it changes, and what it does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from support.stage import Stage, Theatre, everything

from eksprov.config.schema import Config
from eksprov.core.plan import Plan
from eksprov.errors import ProvisioningError, UsageError
from eksprov.operations.commands.lock import Locked, make_pins
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.stack import Opened, open_stack
from eksprov.pins.lockfile import NONE, Pins

DIGEST = "sha256:" + "0f" * 32
OLD_RELEASE = "1.36.0-20260101"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A stack with everything, made without a lock file; the tests leave it as it is."""
    with Theatre().stage(everything()) as made:
        assert made.provision().ok
        yield made


def digest(image: str) -> str:
    """A registry that knows every image but NVIDIA's."""
    if image.startswith("nvcr.io/"):
        raise ProvisioningError("nvcr.io does not answer (MaxRetryError)")
    return DIGEST


def opened(stage: Stage, pins: Pins = NONE, config: Config | None = None) -> Opened:
    return open_stack(dataclasses.replace(stage.process(config), pins=pins), mint=False)


def lock(stage: Stage, old: Pins | None = None, config: Config | None = None, **how: Any) -> Locked:
    return make_pins(opened(stage, config=config), old, digest, **how)


def changed(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {line.name: line.change.names for line in plan.lines if line.change.action.value != "none"}


def test_a_lock_names_everything_that_the_config_leaves_open(stage: Stage) -> None:
    locked = lock(stage)
    pins, eks = locked.pins, stage.account.plain("eks")
    cluster = stage.config.name
    own = {addon.name for addon in stage.config.addons if addon.version}
    living = {name: eks.describe_addon(clusterName=cluster, addonName=name)["addon"]["addonVersion"]
              for name in eks.list_addons(clusterName=cluster)["addons"]}  # fmt: skip
    assert pins.addons == {name: version for name, version in living.items() if name not in own}
    groups = {group.name for group in stage.config.node_groups if not group.release_version}
    assert pins.node_releases.keys() == groups
    assert any("cluster-autoscaler" in image for image in pins.images)
    assert set(pins.images.values()) == {DIGEST}
    assert all(name.startswith("nvcr.io/") and "does not answer" in why for name, why in locked.reasons.items())
    assert pins.unresolved == tuple(locked.reasons)


def test_a_first_lock_changes_only_the_images_of_a_stack_that_stands(stage: Stage) -> None:
    assert changed(make_plan(opened(stage))) == {}
    held = changed(make_plan(opened(stage, lock(stage).pins)))
    assert held
    assert {name.split("/")[0] for name in held} == {"controller"}
    assert changed(make_plan(opened(stage, dataclasses.replace(lock(stage).pins, images={})))) == {}


def test_what_is_locked_stays_until_it_is_moved(stage: Stage) -> None:
    first = lock(stage).pins
    group = next(iter(first.node_releases))
    older = dataclasses.replace(first, node_releases={**first.node_releases, group: OLD_RELEASE}, images={})
    assert lock(stage, older).pins.node_releases[group] == OLD_RELEASE
    assert changed(make_plan(opened(stage, older)))[f"node-group/{group}"] == ("release_version",)
    newest = lock(stage, older, upgrade=True).pins
    assert newest.node_releases == first.node_releases
    assert newest.images == first.images


def test_an_add_on_version_that_no_longer_fits_is_chosen_anew(stage: Stage) -> None:
    first = lock(stage).pins
    gone = dataclasses.replace(first, addons={**first.addons, "coredns": "v0.0.1-eksbuild.1", "left": "v1"})
    assert lock(stage, gone).pins == first


def test_another_kubernetes_version_is_refused_before_anything_changes(stage: Stage) -> None:
    stale = dataclasses.replace(lock(stage).pins, kubernetes_version="1.35", where="prod.lock.yaml")
    for act in (make_plan, provision):
        with pytest.raises(UsageError, match=r"prod\.lock\.yaml is of Kubernetes 1.35") as caught:
            act(opened(stage, stale))
        assert "eksprov lock" in caught.value.hint
