"""What a claim's volume may: one that is retained outlives its cluster, whatever happens; one that is not goes."""

from __future__ import annotations

from typing import Any

import pytest
from support.calls import Side
from support.stage import Stage
from support.volumes import claims_volume, say, there

from eksprov.operations.commands.removal import removal

CLUSTER = "quickstart"
GAP = 7  # of the calls at which it is cut off; one after another they take minutes, and show the same
DRIVERS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "")


def kept(result: Any) -> dict[str, str]:
    return {piece.id: piece.stays for piece in result.kept}


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_retained_volume_is_foreseen_kept_named_and_goes_when_asked_to(stage: Stage, driver: str) -> None:
    assert stage.provision().ok
    retained = claims_volume(stage, CLUSTER, "Retain", driver=driver)
    deleted = claims_volume(stage, CLUSTER, "Delete", driver=driver)
    stage.tape.rewind()
    foreseen = removal(stage.opened(mint=False))
    assert stage.tape.mutating == []
    assert ([p.id for p in foreseen.swept if p.what == "volume"], list(kept(foreseen))) == ([deleted], [retained])
    result = stage.teardown()
    assert (result.ok, kept(result)) == (True, {retained: "its reclaim policy is Retain"})
    assert there(stage) == {retained}
    assert not any(stage.grown().values())
    again = stage.teardown()
    assert (again.ok, kept(again)) == (True, kept(result)), "a later teardown knows nothing of it any more"
    assert [p.id for p in removal(stage.opened(mint=False), delete_retained=True).swept] == [retained]
    assert stage.teardown(delete_retained=True).kept == ()
    assert there(stage) == set()


def test_what_no_persistent_volume_speaks_for_is_kept(stage: Stage) -> None:
    """Deleting the PersistentVolume is how somebody keeps the data of a retained one."""
    assert stage.provision().ok
    orphan = claims_volume(stage, CLUSTER, "")
    result = stage.teardown()
    assert (result.ok, kept(result)) == (True, {orphan: "no PersistentVolume says that it may go"})
    assert there(stage) == {orphan}


@pytest.mark.parametrize("answers", [True, False])
def test_what_was_written_earlier_counts_for_nothing_while_the_cluster_stands(stage: Stage, answers: bool) -> None:
    """A teardown was cut off after it had written that the volume may go; then somebody retained it."""
    assert stage.provision().ok
    volume = claims_volume(stage, CLUSTER, "Delete")
    assert not stage.survives(stage.teardown, 2, "after")
    assert written(stage, volume) == "Delete"
    say(stage, volume, "Retain")
    held = dict(stage.kubernetes.apis)
    if not answers:
        stage.kubernetes.apis.clear()
    result = stage.teardown()
    stage.kubernetes.apis.update(held)
    assert (result.ok, list(kept(result))) == (True, [volume])
    assert there(stage) == {volume}


@pytest.mark.parametrize("side", ["before", "after"])
def test_cut_off_anywhere_a_teardown_never_takes_a_retained_volume_and_takes_the_others(
    stage: Stage, side: Side
) -> None:
    at = {"before": 1, "after": 4}[side] - GAP
    while True:
        at += GAP
        assert stage.provision().ok
        retained, deleted = (claims_volume(stage, CLUSTER, policy) for policy in ("Retain", "Delete"))
        through = stage.survives(stage.teardown, at, side)
        assert retained in there(stage), f"gone when it was cut off {side} call {at}"
        stage.store.forget() if at % 2 else None
        result = stage.teardown()
        assert result.ok
        assert there(stage) == {retained}, (at, side)
        assert deleted not in there(stage)
        assert stage.teardown(delete_retained=True).ok
        assert there(stage) == set()
        if through:
            break
    assert at > 30


def written(stage: Stage, volume: str) -> str:
    (found,) = stage.account.plain("ec2").describe_volumes(VolumeIds=[volume])["Volumes"]
    return str({tag["Key"]: tag["Value"] for tag in found["Tags"]}.get("eksprov:reclaim-policy"))
