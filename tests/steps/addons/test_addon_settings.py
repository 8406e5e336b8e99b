"""What a config may say of an add-on: version policy, configuration, roles, conflicts, and what its removal leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.stage import Stage, Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.core.step import PhaseState
from eksprov.local.aws.eks.addons.catalog import CATALOG
from eksprov.operations.addons import following
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.steps.addons.addon import Addon, AddonFacts
from eksprov.steps.addons.configuration import violations
from eksprov.steps.addons.roles import NEEDS
from eksprov.steps.addons.trouble import CURES, trouble

EBS, NEWEST, DEFAULT = "aws-ebs-csi-driver", "v1.63.1-eksbuild.1", "v1.54.0-eksbuild.1"


def with_addons(*addons: dict[str, Any]) -> Config:
    data = {**quick_start().model_dump(mode="json", exclude_unset=True), "addons": list(addons)}
    return Config.model_validate_json(json.dumps(data))


def live(stage: Stage, name: str = EBS) -> dict[str, Any]:
    eks = stage.account.plain("eks")
    return dict(eks.describe_addon(clusterName=stage.config.name, addonName=name)["addon"])


def role_of(stage: Stage, account: str) -> dict[str, Any]:
    """The role that a service account's association names, with its policies, read with plain boto3."""
    eks, iam = stage.account.plain("eks"), stage.account.plain("iam")
    cluster = {"clusterName": stage.config.name}
    (found,) = eks.list_pod_identity_associations(**cluster, serviceAccount=account)["associations"]
    own = eks.describe_pod_identity_association(**cluster, associationId=found["associationId"])["association"]
    name = own["roleArn"].rsplit("/", 1)[-1]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in inline]
    return {**own, "attached": {each["PolicyName"] for each in attached}, "inline": documents}


def good(stage: Stage, config: Config) -> None:
    report = stage.provision(config)
    assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage() as stage:
        yield stage


def test_a_policy_chooses_once_and_a_later_run_never_moves_it(stage: Stage) -> None:
    config = with_addons({"name": EBS})
    good(stage, config)
    assert live(stage)["addonVersion"] == DEFAULT
    newest = with_addons({"name": EBS, "version_policy": "newest_compatible"})
    good(stage, newest)
    assert live(stage)["addonVersion"] == DEFAULT
    assert stage.tape.mutating == []


def test_asked_to_move_each_goes_to_what_its_policy_means_now_and_pinned_ones_stay(stage: Stage) -> None:
    config = with_addons({"name": EBS}, {"name": "vpc-cni", "version": "v1.21.1-eksbuild.3"})
    good(stage, config)
    newest = with_addons(
        {"name": EBS, "version_policy": "newest_compatible"}, {"name": "vpc-cni", "version": "v1.21.1-eksbuild.3"}
    )
    plan = make_plan(following(stage.opened(newest, mint=False)))
    (line,) = plan.changes
    assert (line.name, line.change.fields[0].have, line.change.fields[0].want) == (
        f"addon/{EBS}",
        DEFAULT,
        "newest compatible",
    )
    assert provision(following(stage.opened(newest))).ok
    assert live(stage)["addonVersion"] == NEWEST
    assert live(stage, "vpc-cni")["addonVersion"] == "v1.21.1-eksbuild.3"
    again = provision(following(stage.opened(newest)))
    assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}


@pytest.mark.parametrize(
    ("addon", "path", "message"),
    [
        ({"name": EBS, "version": "v0.1.0-eksbuild.1"}, "addons[0].version", rf"the newest it lists: {NEWEST}"),
        ({"name": "no-such-addon", "version": "v1"}, "addons[0].version", "no version of the add-on"),
        (
            {"name": "coredns", "configuration": {"replicaCont": 3}},
            "addons[0].configuration.replicaCont",
            "did you mean replicaCount",
        ),
        (
            {"name": "coredns", "configuration": {"resources": {"limits": {"cpu": 1}}}},
            "addons[0].configuration.resources.limits.cpu",
            "not of type 'string'",
        ),
    ],
)
def test_what_eks_would_refuse_is_said_with_its_place_before_anything_is_made(
    stage: Stage, addon: dict[str, Any], path: str, message: str
) -> None:
    config = with_addons(addon)
    for attempt in (lambda: stage.provision(config), lambda: make_plan(stage.opened(config, mint=False))):
        with pytest.raises(errors.ConfigError, match=message) as refused:
            attempt()
        assert [problem.path for problem in refused.value.problems] == [path]
    assert not any(stage.grown().values())


def test_a_settled_addon_is_not_asked_about_again(stage: Stage) -> None:
    config = with_addons({"name": "coredns", "configuration": {"replicaCount": 3}})
    good(stage, config)
    good(stage, config)
    asked = [call.operation for call in stage.tape.calls if "AddonConfiguration" in call.operation]
    assert asked == []
    assert json.loads(live(stage, "coredns")["configurationValues"]) == {"replicaCount": 3}


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_an_addon_that_calls_aws_gets_a_role_of_its_own_through_pod_identity(stage: Stage, name: str) -> None:
    good(stage, with_addons({"name": name}))
    role = role_of(stage, NEEDS[name].account)
    assert role["ownerArn"] == live(stage, name)["addonArn"]
    assert role["attached"] == {policy.rsplit("/", 1)[-1] for policy in NEEDS[name].policies}
    assert bool(role["inline"]) is (not NEEDS[name].policies)
    assert not any("FullAccess" in policy for policy in role["attached"])
    gone = stage.provision(with_addons())
    assert gone.ok
    assert live(stage, "vpc-cni")
    assert name not in stage.account.plain("eks").list_addons(clusterName=stage.config.name)["addons"]
    assert not [role for role in stage.world()["iam-role"] if f"role/{name}" in role]


def test_mountpoint_reads_the_models_or_writes_the_named_buckets_and_nothing_else(stage: Stage) -> None:
    name = "aws-mountpoint-s3-csi-driver"
    good(stage, with_addons({"name": name}))
    own = f"{stage.config.name}-models-123456789012-us-west-2"
    text = json.dumps(role_of(stage, "s3-csi-driver-sa")["inline"])
    assert f"arn:aws:s3:::{own}/*" in text
    assert "s3:PutObject" not in text
    good(stage, with_addons({"name": name, "s3_buckets": ["team-data"]}))
    text = json.dumps(role_of(stage, "s3-csi-driver-sa")["inline"])
    assert "arn:aws:s3:::team-data/*" in text
    assert "s3:PutObject" in text
    assert own not in text


def test_roles_of_the_user_are_passed_on_and_none_is_made(stage: Stage) -> None:
    arn = f"{NEEDS[EBS].account}"
    trust = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}}
    statement = {**trust, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = stage.account.plain("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    good(stage, with_addons({"name": EBS, "pod_identity_roles": {arn: made}}))
    assert role_of(stage, arn)["roleArn"] == made
    assert not [role for role in stage.world()["iam-role"] if f"role/{EBS}" in role]
    good(stage, with_addons({"name": EBS, "pod_identity_roles": {}}))
    assert live(stage)["podIdentityAssociations"] == []
    good(stage, with_addons({"name": EBS, "service_account_role_arn": made}))
    assert live(stage)["serviceAccountRoleArn"] == made


@pytest.mark.parametrize("preserve", [True, False])
def test_software_is_preserved_where_asked_even_when_the_state_is_lost(stage: Stage, preserve: bool) -> None:
    good(stage, with_addons({"name": EBS}))
    good(stage, with_addons({"name": EBS, "preserve_on_delete": preserve}))
    stage.store.forget()
    good(stage, with_addons())
    (cluster,) = stage.kubernetes.clusters.values()
    assert (EBS in cluster.addons) is preserve
    assert EBS not in stage.account.plain("eks").list_addons(clusterName=stage.config.name)["addons"]


@pytest.mark.parametrize(
    ("mode", "create", "update"),
    [("none", "NONE", "NONE"), ("overwrite", "OVERWRITE", "OVERWRITE"), ("preserve", "NONE", "PRESERVE")],
)
def test_the_conflict_mode_is_passed_on(stage: Stage, mode: str, create: str, update: str) -> None:
    good(stage, with_addons({"name": EBS, "resolve_conflicts": mode}))
    sent = [call.params for call in stage.tape.mutating if call.operation == "CreateAddon"]
    assert [each["resolveConflicts"] for each in sent if each["addonName"] == EBS] == [create]
    good(stage, with_addons({"name": EBS, "resolve_conflicts": mode, "version": NEWEST}))
    (sent_update,) = [call.params for call in stage.tape.mutating if call.operation == "UpdateAddon"]
    assert (sent_update["resolveConflicts"], sent_update["addonVersion"]) == (update, NEWEST)


@pytest.mark.parametrize("name", sorted(CATALOG))
@pytest.mark.parametrize(
    ("status", "code", "state", "well"),
    [
        ("DEGRADED", "InsufficientNumberOfReplicas", PhaseState.MOVING, True),
        ("DEGRADED", "ConfigurationConflict", PhaseState.READY, False),
        ("UPDATE_FAILED", "ConfigurationConflict", PhaseState.READY, False),
        ("CREATE_FAILED", "AdmissionRequestDenied", PhaseState.FAILED, True),
    ],
)
def test_every_addon_waits_for_nodes_and_for_nothing_else(
    name: str, status: str, code: str, state: PhaseState, well: bool
) -> None:
    step = Addon(name=f"addon/{name}", slug=f"demo/{name}")
    health = ((code, "what EKS says"),)
    said = trouble(status, health)
    facts = AddonFacts("", "{}", frozenset(), state=said, status=status, health=health)
    phase = step.phase(facts)
    assert phase.state is state
    assert (said == "well") is well
    assert code in phase.message
    assert CURES.get(code, "") in phase.message


def test_a_failed_update_is_told_in_ekss_words_and_tried_again_by_the_next_run(stage: Stage) -> None:
    config = with_addons({"name": EBS})
    good(stage, config)
    region = stage.emulator.region("us-west-2")
    shape = region.clusters[stage.config.name].addons[EBS].shape
    issue = {"code": "ConfigurationConflict", "message": "Conflicts found", "resourceIds": []}
    shape |= {"status": "UPDATE_FAILED", "health": {"issues": [issue]}}
    (line,) = make_plan(stage.opened(config, mint=False)).changes
    assert line.change.names == ("state",)
    assert "resolve_conflicts: overwrite" in str(line.change.fields[0].have)
    good(stage, config)
    assert [call.operation for call in stage.tape.mutating] == ["UpdateAddon"]
    assert live(stage)["status"] == "ACTIVE"


def test_violations_name_every_place_and_guess_what_was_meant() -> None:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"controller": {"type": "object", "properties": {"tolerations": {"items": {"type": "object"}}}}},
    }
    found = violations(schema, {"controler": {}, "controller": {"tolerations": [1]}})
    assert [(one.place, one.hint) for one in found] == [
        ("controler", "did you mean controller?"),
        ("controller.tolerations[0]", ""),
    ]
    assert violations({}, {"anything": 1}) == ()
