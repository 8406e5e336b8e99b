"""No stack sees, adopts, counts or touches what belongs to another: laws over all kinds, global name spaces first.

A *neighbour* has the same name in another region of the account, or a name that begins with the other's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cases import CASES
from support.neighbours import ELSEWHERE, beside, with_model
from support.stage import EVERYTHING, Stage, Theatre, everything, project

from eksprov.aws.tags import REGION
from eksprov.core.change import Action
from eksprov.operations.commands.models import deploy
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.kinds import KINDS
from eksprov.operations.stack import Opened, open_stack

AWS_KINDS = [kind for kind in KINDS if kind.world == "aws"]
EVERYWHERE = {case.name for case in CASES.values() if case.in_every_region}
NAMES: dict[str, Any] = {
    "two regions": (("twin", "us-west-2"), ("twin", ELSEWHERE)),
    "the name begins alike": (("ml", "us-west-2"), ("ml-prod", "us-west-2")),
    "both": (("ml", "us-west-2"), ("ml-us-east-1", ELSEWHERE)),
}


def process(stage: Stage, *, mint: bool = False) -> Opened:
    return open_stack(replace(stage.process(), project=project()), mint=mint)


def made(stage: Stage) -> Stage:
    assert provision(process(stage, mint=True)).ok
    assert deploy(process(stage), ["digits"]).report.ok
    return stage


def at_rest(stage: Stage) -> None:
    """A plan has nothing to do, and nothing to say against it."""
    plan = make_plan(process(stage))
    assert {line.name: line.change for line in plan.lines if line.change.action is not Action.NONE} == {}
    assert {line.problem for line in plan.lines} == {""}


def gone(stage: Stage) -> None:
    done: Any = teardown(process(stage))
    assert (done.ok, done.left) == (True, ())


def own(stage: Stage, ids: str) -> dict[str, list[str]]:
    """What the account shows of the resources that bear this stack id."""
    return {kind: [item for item in items if ids in item] for kind, items in stage.world().items()}


def id_of(stage: Stage) -> str:
    state = stage.store.load()
    assert state is not None
    return state.stack_id


TOGETHER = [
    *((name, "two regions", order) for name in EVERYTHING for order in (1, -1)),
    *((name, names, 1) for name in ("everything", "karpenter") for names in NAMES if names != "two regions"),
]


@pytest.mark.parametrize(("name", "names", "order"), TOGETHER)
def test_a_stack_lives_and_goes_beside_its_neighbour(theatre: Theatre, name: str, names: str, order: int) -> None:
    """One loses its state, is rebuilt, and goes; the other is then as it was, to the byte, and answers for itself."""
    first, second = (with_model(everything(name), *one) for one in NAMES[names])
    with theatre.stage(first) as stage:
        other = beside(stage, second)
        empty = [one.world() for one in (stage, other)]
        made(stage)
        made(other)
        for one in (stage, other):
            at_rest(one)
        goes, stays = (stage, other)[::order]
        ids, state = id_of(stays), stays.store.load()
        assert ids != id_of(goes)
        before = own(stays, ids)
        goes.store.forget()
        at_rest(goes)
        gone(goes)
        assert own(stays, ids) == before
        assert stays.store.load() == state
        stays.store.forget()
        at_rest(stays)
        assert id_of_lost(stays) == ids
        gone(stays)
        assert [one.world() for one in (stage, other)] == empty


def id_of_lost(stage: Stage) -> str:
    return process(stage).us.stack_id


@pytest.mark.parametrize("legacy", [False, True], ids=["with the tag", "from before there was a tag"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_no_kind_is_found_from_another_region(theatre: Theatre, name: str, legacy: bool) -> None:
    """Law, over all kinds: what a survey finds at home it does not find elsewhere, whether tags or names tell it."""
    with theatre.stage(with_model(everything(name), "twin")) as stage:
        made(stage)
        abroad = beside(stage, with_model(everything(name), "twin", ELSEWHERE))
        if legacy:
            without_regions(stage)
            assert not any(REGION in item for items in abroad.world().values() for item in items)
        shown = {kind for kind, items in abroad.world().items() if any(id_of(stage) in item for item in items)}
        assert set() != shown <= EVERYWHERE, "global kinds alone are seen from elsewhere"
        for kind in AWS_KINDS:
            assert list(kind.list_owned(process(abroad).aws, "twin")) == [], kind.kind
        found = {s.kind for kind in AWS_KINDS for s in kind.list_owned(process(stage).aws, "twin")}
        assert found >= {"iam-role", "bucket", "model-files", "vpc", "cluster"}


def without_regions(stage: Stage) -> None:
    """As a version before would have left the tags of what is an account's."""
    iam, s3, cloudwatch = (stage.account.plain(service) for service in ("iam", "s3", "cloudwatch"))
    for role in iam.list_roles()["Roles"]:
        iam.untag_role(RoleName=role["RoleName"], TagKeys=[REGION])
    for bucket in s3.list_buckets()["Buckets"]:
        tags = [tag for tag in s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"] if tag["Key"] != REGION]
        s3.put_bucket_tagging(Bucket=bucket["Name"], Tagging={"TagSet": tags})
    for entry in cloudwatch.list_dashboards()["DashboardEntries"]:
        cloudwatch.untag_resource(ResourceARN=entry["DashboardArn"], TagKeys=[REGION])
