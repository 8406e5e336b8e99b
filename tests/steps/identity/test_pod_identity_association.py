"""A pod identity association: one role for one service account."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.bench import Bench

from eksprov.core.outcome import Status
from eksprov.steps.catalog import model_association, model_role
from eksprov.steps.identity.pod_identity_association import PodIdentityAssociation


@pytest.fixture
def digits(bench: Bench) -> Bench:
    """The bench with a model's role on it."""
    config = bench.stage.config
    bench.make(model_role(config, bench.settled, "digits"))
    bench.make("cluster")
    return bench


def association_of(bench: Bench) -> PodIdentityAssociation:
    return model_association(bench.stage.config, "digits", "models", "digits")


def roles(bench: Bench) -> list[str]:
    eks, key = bench.plain("eks"), {"clusterName": bench.us.stack}
    found = eks.list_pod_identity_associations(**key, namespace="models", serviceAccount="digits")["associations"]
    ids = [one["associationId"] for one in found]
    return [eks.describe_pod_identity_association(**key, associationId=i)["association"]["roleArn"] for i in ids]


def test_the_model_gets_its_role_and_the_association_settles(digits: Bench) -> None:
    step = association_of(digits)
    assert digits.again(step).status is Status.CREATED
    assert digits.calls() == ["CreatePodIdentityAssociation"]
    assert roles(digits) == [digits.outputs.get("model/digits/role", "arn")]
    digits.settles(step)
    assert len(digits.tape.reads) == 2


def test_another_role_is_taken_back(digits: Bench) -> None:
    step, eks = association_of(digits), digits.plain("eks")
    digits.again(step)
    digits.make("role/vpc-cni")
    own_id = digits.outputs.get(step.name, "id")
    other = digits.outputs.get("role/vpc-cni", "arn")
    eks.update_pod_identity_association(clusterName=digits.us.stack, associationId=own_id, roleArn=other)
    assert digits.again(step).change.names == ("role_arn",)
    assert roles(digits) == [digits.outputs.get("model/digits/role", "arn")]


def test_it_waits_until_iam_tells_eks_of_the_role(digits: Bench) -> None:
    refusal = "Role provided in the request does not exist"
    digits.waits_for_iam(association_of(digits), "CreatePodIdentityAssociation", refusal)
    assert len(digits.calls()) == 3


def test_another_service_account_is_another_association(digits: Bench) -> None:
    digits.again(association_of(digits))
    other = replace(association_of(digits), slug=f"{digits.us.stack}/models/letters")
    assert other.discover(digits.aws()) is None


def test_a_strangers_association_is_refused(digits: Bench) -> None:
    role = digits.outputs.get("model/digits/role", "arn")
    digits.plain("eks").create_pod_identity_association(
        clusterName=digits.us.stack, namespace="models", serviceAccount="digits", roleArn=role
    )
    digits.is_refused(association_of(digits))
    assert digits.resources(association_of(digits)) == []


def test_it_goes(digits: Bench) -> None:
    digits.again(association_of(digits))
    digits.goes(association_of(digits))
