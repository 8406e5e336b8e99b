"""Kinds that the stack itself defines: between a definition and the kind that it brings lie seconds, either way."""

from __future__ import annotations

from typing import Any

import pytest
from support.memory_kube import MemoryKube

from eksprov.config.schema import NodePool
from eksprov.controllers.karpenter import Around, karpenter
from eksprov.controllers.karpenter_pools import KarpenterPool, PoolNetwork
from eksprov.controllers.objects import CustomObject
from eksprov.controllers.parts import ControllerFacts
from eksprov.core.step import Outputs, Phase, PhaseState
from eksprov.kube.api import UnknownKindError
from eksprov.kube.objects import KubeObject

FACTS = ControllerFacts("demo", "id-1", "demo", "us-west-2", "1.36", ("cluster",))
POOL = KarpenterPool(NodePool(name="gpu", instance_families=("g6",)), (), 200)
STEPS = karpenter(FACTS, Around("demo-karpenter"), (POOL,), PoolNetwork("nodes"))
DEFINITIONS = [step for step in STEPS if "/definition-" in step.name]
OBJECTS = [step for step in STEPS if isinstance(step, CustomObject)]


class Slow(MemoryKube):
    """An API server that has a definition and does not serve its kind: not yet, or no more."""

    unserved = ""

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        if kind == self.unserved:
            raise UnknownKindError(api_version, kind)
        return super().list(api_version, kind, namespace, selector)


def made(*steps: KubeObject) -> Slow:
    kube = Slow()
    for step in steps:
        step.create(kube, step.desired(Outputs()), "")
    return kube


def surveyed(kube: MemoryKube) -> set[str]:
    return {resource.owner.step for resource in CustomObject.list_owned(kube, "demo")}


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda step: step.ref.name)
def test_a_survey_does_not_ask_for_kinds_whose_definition_is_not_there(definition: KubeObject) -> None:
    mine = [step for step in OBJECTS if step.ref.kind == definition.manifest["spec"]["names"]["kind"]]
    assert surveyed(made(definition, *mine)) == {step.name for step in mine}


def test_a_survey_finds_what_is_served_beside_a_kind_that_is_not() -> None:
    kube = made(*DEFINITIONS, *OBJECTS)
    assert surveyed(kube) == {step.name for step in OBJECTS}
    kube.unserved = "EC2NodeClass"
    assert surveyed(kube) == {step.name for step in OBJECTS if step.ref.kind != "EC2NodeClass"} != set()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda step: step.ref.name)
def test_a_definition_on_its_way_out_whose_kind_is_gone_already_waits_for_nothing(definition: KubeObject) -> None:
    kube = made(definition)
    kube.unserved = definition.manifest["spec"]["names"]["kind"]
    kube.apply({**definition.manifest, "metadata": {**definition.manifest["metadata"], "deletionTimestamp": "now"}})
    have = definition.discover(kube)
    assert have is not None
    assert definition.phase(have) == Phase(PhaseState.LEAVING, "being deleted")
