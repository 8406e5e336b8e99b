"""A role that exists is looked up before anything is made: what EKS would refuse is said, what may be wrong noted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.company import ANYTHING, EKS, PODS, arn_of, lending, make_roles, name_of, trust
from support.configs import changed
from support.stage import Stage, Theatre, everything, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan
from eksprov.steps.identity.existing_role import ExistingRole, trusts

WHOLE = ("cluster", "node", "vpc_cni", "model")
AWS = "arn:aws:iam::aws:policy/"
NARROW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}]}


@pytest.fixture
def stage(theatre: Theatre) -> Any:
    with theatre.stage(lending(quick_start(), *WHOLE)) as stage:
        make_roles(stage.account.plain("iam"))
        yield stage


def iam_of(stage: Stage) -> Any:
    return stage.account.plain("iam")


def with_roles(stage: Stage, **roles: str) -> Config:
    return changed(stage.config, iam={"roles": roles})


def missing(stage: Stage) -> Config:
    return with_roles(stage, node="arn:aws:iam::123456789012:role/nobody")


def without_its_path(stage: Stage) -> Config:
    return with_roles(stage, node=f"arn:aws:iam::123456789012:role/{name_of('node')}")


def of_another_account(stage: Stage) -> Config:
    data = {"roles": {"node": "arn:aws:iam::999988887777:role/node"}}
    models = [{**one.model_dump(mode="json", exclude_unset=True), "role_arn": None} for one in stage.config.models]
    models = [{key: value for key, value in one.items() if value is not None} for one in models]
    return changed(stage.config, iam=data, models=models)


def trusting_another(stage: Stage) -> Config:
    iam_of(stage).update_assume_role_policy(RoleName=name_of("cluster"), PolicyDocument=trust(PODS))
    return stage.config


def without_tagged_sessions(stage: Stage) -> Config:
    document = json.loads(trust(PODS))
    document["Statement"][0]["Action"] = "sts:AssumeRole"
    iam_of(stage).update_assume_role_policy(RoleName=name_of("vpc_cni"), PolicyDocument=json.dumps(document))
    return stage.config


def without_what_eks_looks_for(stage: Stage) -> Config:
    iam_of(stage).detach_role_policy(RoleName=name_of("cluster"), PolicyArn=f"{AWS}AmazonEKSClusterPolicy")
    iam_of(stage).put_role_policy(RoleName=name_of("cluster"), PolicyName="own", PolicyDocument=json.dumps(ANYTHING))
    return stage.config


def without_any(stage: Stage) -> Config:
    iam_of(stage).detach_role_policy(RoleName=name_of("vpc_cni"), PolicyArn=f"{AWS}AmazonEKS_CNI_Policy")
    return stage.config


REFUSED = [
    (missing, "iam.roles.node", "there is no role"),
    (without_its_path, "iam.roles.node", "/corp/platform/"),
    (of_another_account, "iam.roles.node", "is of account 999988887777, but the stack is in 123456789012"),
    (trusting_another, "iam.roles.cluster", "does not let eks.amazonaws.com call sts:AssumeRole, sts:TagSession"),
    (without_tagged_sessions, "iam.roles.vpc_cni", "pods.eks.amazonaws.com call sts:TagSession"),
    (without_what_eks_looks_for, "iam.roles.cluster", "lacks AmazonEKSClusterPolicy, which EKS looks for"),
    (without_any, "iam.roles.vpc_cni", "lacks AmazonEKS_CNI_Policy, and has no other policies instead"),
]


@pytest.mark.parametrize(("spoil", "place", "said"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_would_fail_later_is_said_before_anything_is_made(
    stage: Stage, spoil: Callable[[Stage], Config], place: str, said: str
) -> None:
    config = spoil(stage)
    before = stage.world()
    for command in (stage.provision, lambda one: make_plan(stage.opened(one, mint=False))):
        with pytest.raises(errors.ConfigError) as refused:
            command(config)
        [problem] = refused.value.problems
        assert problem.path == place
        assert said in problem.message
        assert problem.hint
    assert stage.tape.mutating == []
    assert stage.world() == before
    assert stage.store.load() is None


def test_everything_that_is_wrong_is_said_at_once(stage: Stage) -> None:
    trusting_another(stage)
    without_tagged_sessions(stage)
    with pytest.raises(errors.ConfigError) as refused:
        stage.provision()
    assert {problem.path for problem in refused.value.problems} == {"iam.roles.cluster", "iam.roles.vpc_cni"}


def test_a_role_that_eksprov_made_for_the_stack_is_no_role_of_others(theatre: Theatre) -> None:
    """Taken as existing, it would be deleted as one that nothing names any more."""
    with theatre.stage(quick_start()) as stage:
        assert stage.provision().ok
        before = stage.world()
        arn = iam_of(stage).get_role(RoleName="quickstart-us-west-2-node")["Role"]["Arn"]
        with pytest.raises(errors.ConfigError, match="made for this stack"):
            stage.provision(with_roles(stage, node=arn))
        assert stage.world() == before


def test_policies_of_its_own_in_place_of_awss_are_a_note(stage: Stage) -> None:
    without_any(stage)
    iam_of(stage).put_role_policy(RoleName=name_of("vpc_cni"), PolicyName="own", PolicyDocument=json.dumps(ANYTHING))
    notes = make_plan(stage.opened(mint=False)).notes
    [note] = [note for note in notes if name_of("vpc_cni") in note]
    assert "in place of AmazonEKS_CNI_Policy" in note
    assert stage.provision().ok


def test_what_a_models_role_may_not_read_is_a_note_for_nobody_can_be_sure(stage: Stage) -> None:
    iam_of(stage).put_role_policy(RoleName=name_of("model"), PolicyName="corp", PolicyDocument=json.dumps(NARROW))
    opened = stage.opened()
    [role] = [step for step in opened.steps if isinstance(step, ExistingRole) and step.slug == arn_of("model")]
    notes = make_plan(opened, [role]).notes
    [note] = [note for note in notes if name_of("model") in note]
    assert "s3:GetObject on arn:aws:s3:::quickstart-models-123456789012-us-west-2/models/digits/any" in note


@pytest.mark.parametrize(
    ("code", "said"), [("AccessDenied", "was not looked at"), ("InvalidInput", "was not looked at")]
)
def test_a_simulator_that_does_not_answer_stops_nothing(stage: Stage, code: str, said: str) -> None:
    opened = stage.opened()
    [role] = [step for step in opened.steps if isinstance(step, ExistingRole) and step.slug == arn_of("model")]
    stage.tape.rewind()
    stage.tape.refuse("SimulatePrincipalPolicy", code, "no")
    have = role.discover(opened.aws)
    assert have is not None
    [doubt] = role.doubts(opened.aws, have)
    assert said in doubt


def test_a_role_that_its_owner_breaks_later_fails_its_step_and_a_teardown_still_works(stage: Stage) -> None:
    assert stage.provision().ok
    trusting_another(stage)
    before = [role for role in stage.world()["iam-role"] if '"corp-' in role]
    failed = {o.name: o.message for o in stage.provision().outcomes if o.status is Status.FAILED}
    assert set(failed) == {"existing-role/cluster"}
    assert "eks.amazonaws.com" in failed["existing-role/cluster"]
    assert stage.tape.mutating == []
    assert stage.teardown().ok
    assert [role for role in stage.world()["iam-role"] if '"corp-' in role] == before


def test_a_run_that_changes_nothing_asks_no_simulator(stage: Stage) -> None:
    assert stage.provision().ok
    assert stage.provision().ok
    assert "SimulatePrincipalPolicy" not in {call.operation for call in stage.tape.calls}


def test_auto_modes_role_needs_the_root(theatre: Theatre) -> None:
    """The schema says so of an ARN; a role that moved under another name is told by its step."""
    config = lending(everything("auto-mode"), "auto_node")
    with theatre.stage(config) as stage:
        make_roles(iam_of(stage))
        [step] = [one for one in stage.opened().steps if one.name == "existing-role/auto-node"]
        assert isinstance(step, ExistingRole)
        pathed = ExistingRole(name="x", slug=arn_of("node"), service=step.service, actions=step.actions, root=True)
        have = pathed.discover(stage.opened().aws)
        assert have is not None
        assert "has a path" in "; ".join(pathed.problems(have))


def test_trust_is_read_as_iam_reads_it() -> None:
    def document(**statement: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})

    eks = {"Service": [EKS, PODS]}
    assert trusts(document(Principal=eks, Action="sts:*"), EKS, "sts:TagSession")
    assert trusts(document(Principal="*", Action=["sts:AssumeRole"]), PODS, "sts:AssumeRole")
    assert not trusts(document(Principal=eks, Action="sts:AssumeRole"), EKS, "sts:TagSession")
    assert not trusts(document(Principal={"AWS": "*"}, Action="sts:*"), EKS, "sts:AssumeRole")
    assert not trusts("", EKS, "sts:AssumeRole")
    denied = [json.loads(document(Principal=eks, Action="sts:*"))["Statement"][0], {
        "Effect": "Deny", "Principal": eks, "Action": "sts:TagSession"}]  # fmt: skip
    both = json.dumps({"Statement": denied})
    assert trusts(both, EKS, "sts:AssumeRole")
    assert not trusts(both, EKS, "sts:TagSession")
