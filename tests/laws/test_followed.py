"""What the config leaves open follows the world: it is no wish, so AWS and others may move it and the stack goes on.

The account itself is driven to move; then a plan must say so and change nothing, a run must change nothing and record
it, and every later run must be as if it had always been so.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.configs import changed
from support.stage import Stage, Theatre, quick_start

from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan, offline_plan
from eksprov.operations.commands.provision import provision
from eksprov.steps.cluster.settled import FOLLOWED

OLD, NEW = "1.35", "1.36"
NAME = "quickstart"
# What others change of a cluster, by the key that the config leaves open, and the words of the key's new value.
MOVES: dict[str, tuple[dict[str, Any], str]] = {
    "endpoint_public_access": ({"resourcesVpcConfig": {"endpointPublicAccess": False}}, "false"),
    "endpoint_private_access": ({"resourcesVpcConfig": {"endpointPrivateAccess": False}}, "false"),
    "public_access_cidrs": ({"resourcesVpcConfig": {"publicAccessCidrs": ["81.2.69.0/24"]}}, "81.2.69.0/24"),
    "support_type": ({"upgradePolicy": {"supportType": "EXTENDED"}}, "EXTENDED"),
    "log_types": ({"logging": {"clusterLogging": [{"types": ["scheduler"], "enabled": True}]}}, "scheduler"),
    "deletion_protection": ({"deletionProtection": True}, "true"),
}


def upgraded(stage: Stage, version: str = NEW) -> None:
    """AWS moves the cluster, as it does at the end of a version's support."""
    stage.account.plain("eks").update_cluster_version(name=NAME, version=version, force=True)
    settle(stage)


def settle(stage: Stage) -> None:
    stage.clock.sleep(3600)
    assert stage.account.plain("eks").describe_cluster(name=NAME)["cluster"]["status"] == "ACTIVE"


def made_at(stage: Stage, version: str) -> None:
    """A stack whose version is settled, and a config that says nothing of it."""
    assert stage.provision(changed(stage.config, kubernetes_version=version)).ok
    assert {one.status for one in stage.provision().outcomes} == {Status.UNCHANGED}


def test_a_version_that_aws_moves_is_followed_with_a_note(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        made_at(stage, OLD)
        upgraded(stage)
        before = stage.world()
        plan = make_plan(stage.opened(mint=False))
        assert [line for line in plan.changes if line.kind == "cluster" or line.problem] == []
        (note,) = [note for note in plan.notes if NEW in note]
        assert OLD in note
        report = stage.provision()
        assert report.ok
        assert stage.world() == before
        assert report.state.choices["kubernetes_version"] == NEW
        assert not [note for note in make_plan(stage.opened()).notes if OLD in note]
        assert [line for line in offline_plan(stage.config, stage.store).changes if line.kind == "cluster"] == []


def test_a_version_that_the_config_names_is_a_wish(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        made_at(stage, OLD)
        upgraded(stage)
        (line,) = [
            line
            for line in make_plan(stage.opened(changed(stage.config, kubernetes_version=OLD))).lines
            if line.kind == "cluster"
        ]
        assert (line.change.action, line.change.names) == (Action.REPLACE, ("version",))
        assert line.problem


def test_every_followed_key_is_moved_here() -> None:
    assert set(MOVES) == set(FOLLOWED)


@pytest.mark.parametrize("key", sorted(MOVES))
def test_a_setting_that_others_change_is_followed_with_a_note(theatre: Theatre, key: str) -> None:
    change, words = MOVES[key]
    with theatre.stage() as stage:
        assert stage.provision().ok
        stage.account.plain("eks").update_cluster_config(name=NAME, **change)
        settle(stage)
        before = stage.world()
        plan = make_plan(stage.opened(mint=False))
        assert plan.changes == ()
        (note,) = [note for note in plan.notes if f"cluster.{key}" in note]
        assert words in note
        stage.tape.rewind()
        assert {one.status for one in stage.provision().outcomes} == {Status.UNCHANGED}
        assert stage.tape.mutating == []
        assert stage.world() == before
        assert not [note for note in make_plan(stage.opened()).notes if f"cluster.{key}" in note]
        stage.store.forget()  # a lost state reads it back
        assert {one.status for one in stage.provision().outcomes} == {Status.UNCHANGED}


@pytest.mark.parametrize("key", sorted(MOVES))
def test_a_setting_that_the_config_names_is_set_right(theatre: Theatre, key: str) -> None:
    change, _ = MOVES[key]
    default = quick_start().cluster.model_dump(mode="json")[key]
    with theatre.stage(changed(quick_start(), cluster={key: default})) as stage:
        assert stage.provision().ok
        before = stage.world()
        stage.account.plain("eks").update_cluster_config(name=NAME, **change)
        settle(stage)
        report = stage.provision()
        assert [one.name for one in report.outcomes if one.status is Status.UPDATED] == ["cluster"]
        assert stage.world() == before


@pytest.mark.parametrize("key", sorted(MOVES))
def test_a_key_that_leaves_the_config_goes_back_to_its_default(theatre: Theatre, key: str) -> None:
    """However often the run is cut off before it has done so."""
    said = {
        "endpoint_public_access": False,
        "endpoint_private_access": False,
        "public_access_cidrs": ["81.2.69.0/24"],
        "support_type": "EXTENDED",
        "log_types": ["audit"],
        "deletion_protection": True,
    }[key]
    with theatre.stage(changed(quick_start(), cluster={key: said})) as stage:
        assert stage.provision().ok
        stage.tape.refuse("UpdateClusterConfig", "AccessDeniedException", "not now", times=1)
        assert not provision(stage.opened(quick_start())).ok
        report = stage.provision(quick_start())
        assert [one.name for one in report.outcomes if one.status is Status.UPDATED] == ["cluster"]
        assert {one.status for one in stage.provision(quick_start()).outcomes} == {Status.UNCHANGED}
