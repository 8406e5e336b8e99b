"""What `models` says of a stack, and what undeploy-model takes away, also where an earlier one was cut off."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.stage import MODEL, Stage, Theatre, project

from eksprov import errors
from eksprov.kube.api import FIELD_MANAGER, Ref
from eksprov.operations.models import deploy, listed, packaged, undeploy
from eksprov.operations.provision import provision
from eksprov.operations.stack import Opened, open_stack

NAMESPACE = Ref("v1", "Namespace", "", "models")


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


def opened(stage: Stage) -> Opened:
    return open_stack(replace(stage.process(), project=project()), mint=True)


def test_a_namespace_that_an_undeployment_did_not_come_to_goes_with_the_next(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        before = kube.refs()
        assert deploy(opened(stage), [MODEL]).report.ok
        namespace = kube.get(NAMESPACE)
        assert namespace is not None
        assert undeploy(opened(stage), [MODEL]).ok
        assert kube.refs() == before
        labels = {"name": "models", "labels": namespace["metadata"]["labels"]}
        annotations = namespace["metadata"].get("annotations", {})
        left = {"apiVersion": "v1", "kind": "Namespace", "metadata": {**labels, "annotations": annotations}}
        kube.apply_as(FIELD_MANAGER, left)
        assert undeploy(opened(stage), [MODEL]).ok
        assert kube.refs() == before
        with pytest.raises(errors.UsageError, match=f"not deployed: {MODEL}"):
            undeploy(opened(stage), [MODEL])


def test_what_is_deployed_is_read_from_the_cluster_whatever_the_state_says(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [model] = opened(stage).stack.config.models
        assert [(one.name, one.digest, one.state) for one in listed(opened(stage))] == [(MODEL, "", "not deployed")]
        assert deploy(opened(stage), [MODEL]).report.ok
        stage.store.forget()
        digest = packaged(opened(stage), model)[1].digest
        assert [(one.name, one.digest, one.state) for one in listed(opened(stage))] == [(MODEL, digest, "ready")]
