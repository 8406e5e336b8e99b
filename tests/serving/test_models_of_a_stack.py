"""What `models` says of a stack, and what undeploy-model takes away, also where an earlier one was cut off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.models import TINY_MODEL
from support.stage import MODEL, Stage, Theatre, project

from eksprov import errors
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.kube.api import FIELD_MANAGER, Ref, Reply
from eksprov.operations.commands.models import deploy, listed, packaged, plan_models, states, undeploy
from eksprov.operations.commands.provision import provision
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
        with pytest.raises(errors.NotThereError, match=f"not deployed: {MODEL}"):
            undeploy(opened(stage), [MODEL])


def test_what_is_deployed_is_read_from_the_cluster_whatever_the_state_says(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        with pytest.raises(errors.NotThereError) as none:
            listed(opened(stage))
        assert none.value.exit_code == errors.EXIT_NOT_THERE
        assert provision(opened(stage)).ok
        [model] = opened(stage).stack.config.models
        assert [(one.name, one.digest, one.state) for one in listed(opened(stage))] == [(MODEL, "", "not deployed")]
        assert deploy(opened(stage), [MODEL]).report.ok
        stage.store.forget()
        digest = packaged(opened(stage), model)[1].digest
        assert [(one.name, one.digest, one.state) for one in listed(opened(stage))] == [(MODEL, digest, "ready")]


def test_a_model_is_listed_by_the_pods_that_answer_and_says_why_it_is_not_ready(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        assert deploy(opened(stage), [MODEL]).report.ok
        [before] = listed(opened(stage))
        assert (before.state, before.wanted, before.ready, before.reason) == ("ready", 1, 1, "")
        assert before.digest == before.wanted_digest != ""
        assert before.revision

        labels = {"eksprov.dev/revision": "another"}
        meta = {"name": MODEL, "namespace": "models"}
        update = {"labels": labels, "annotations": {"eksprov.dev/model-digest": "wanted"}}
        old = next(pod for pod in kube.list("v1", "Pod", "models"))
        kube.rollout = "stuck"  # the new revision never becomes ready, and the old one goes on answering
        kube.apply_as("kubelet", {**old, "metadata": {**old["metadata"], "name": "old"}})
        template = {"metadata": {"labels": {"eksprov.dev/revision": "another"}}}
        workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**meta, **update}}
        kube.apply_as("them", {**workload, "spec": {"template": template}}, force=True)
        crashed = {"name": "server", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
        crashed["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error", "message": "boom"}}
        status = {"containerStatuses": [crashed]}
        new = {**meta, "name": "new", "labels": {**old["metadata"]["labels"], **labels}}
        kube.apply_as("kubelet", {"apiVersion": "v1", "kind": "Pod", "metadata": new, "spec": {}, "status": status})
        [after] = listed(opened(stage))
        assert (after.state, after.ready) == ("update failed", 1)
        assert (after.digest, after.revision, after.wanted_digest) == (before.digest, before.revision, "wanted")
        assert "the server ends by itself" in after.reason
        assert "boom" in after.reason
        said = states(opened(stage))[f"model/{MODEL}/deployment"]
        assert said.startswith("update failed: the server ends by itself")


def test_a_model_that_is_scaled_to_0_is_drift_for_all_who_look_and_deploying_sets_it_back(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        assert deploy(opened(stage), [MODEL]).report.ok
        meta = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": MODEL, "namespace": "models"}}
        kube.apply_as("kubectl", {**meta, "spec": {"replicas": 0}}, force=True)
        [one] = listed(opened(stage))
        assert (one.state, one.wanted, one.ready, one.digest) == ("scaled to 0", 0, 0, "")
        assert "deploy-model sets it back" in one.reason
        assert "scaled to 0" in states(opened(stage))[f"model/{MODEL}/deployment"]
        changes = {line.name: line.change for line in plan_models(opened(stage), [MODEL]).changes}
        assert set(changes) == {f"model/{MODEL}/deployment", f"model/{MODEL}/endpoint"}
        assert changes[f"model/{MODEL}/deployment"].action is Action.UPDATE
        assert deploy(opened(stage), [MODEL]).report.ok
        assert [(one.state, one.wanted) for one in listed(opened(stage))] == [("ready", 1)]


def test_a_model_that_has_left_the_config_is_still_listed(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        assert deploy(opened(stage), [MODEL]).report.ok
        assert [one.in_config for one in listed(opened(stage))] == [True]
        stage.config = stage.config.model_copy(update={"models": ()})
        assert [(one.name, one.in_config, one.state) for one in listed(opened(stage))] == [(MODEL, False, "ready")]


def test_a_model_that_is_loaded_and_cannot_answer_fails_its_deployment_each_time(theatre: Theatre) -> None:
    """The last exception is the cause; what is recorded of its last step says so too."""

    def answer(namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        if path.endswith("/infer"):
            said = "AttributeError: 'dict' object has no attribute 'predict'"
            return Reply(500, {}, f'Traceback (most recent call last):\n  File "x.py", line 1\n{said}\n'.encode())
        return Reply(200, {}, b"{}")

    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        usual, kube.answer = kube.answer, answer
        for _ in range(2):
            done = deploy(opened(stage), [MODEL])
            [failed] = [one for one in done.report.outcomes if not one.good]
            assert (failed.name, failed.status) == (f"model/{MODEL}/endpoint", Status.FAILED)
            assert "AttributeError: 'dict' object has no attribute 'predict'" in failed.message
            assert "save the model alone" in failed.hint
            assert done.served == ()
            record = done.report.state.steps[failed.name]
            assert (record.status, "no attribute 'predict'" in record.error) == ("failed", True)
        [one] = listed(opened(stage))
        assert (one.state, one.ready) == ("cannot answer", 1)
        assert "no attribute 'predict'" in one.reason
        kube.answer = usual
        done = deploy(opened(stage), [MODEL])
        assert done.report.ok
        assert [(one.name, one.answered) for one in done.served] == [(MODEL, True)]
        assert done.report.state.steps[f"model/{MODEL}/endpoint"].status == "ready"
        assert [one.state for one in listed(opened(stage))] == ["ready"]


def test_a_model_that_could_not_be_asked_has_not_answered(theatre: Theatre) -> None:
    def answer(namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        if path.endswith("/infer"):
            raise errors.NoAnswerError("the API server does not answer", "look at your network")
        return Reply(200, {}, b"{}")

    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        kube.answer = answer
        [failed] = [one for one in deploy(opened(stage), [MODEL]).report.outcomes if not one.good]
        assert (failed.name, failed.hint) == (f"model/{MODEL}/endpoint", "look at your network")
        assert "could not be asked: the API server does not answer" in failed.message


@pytest.mark.parametrize("place", ["in the folder", "beside it", "beside it and another model's"])
def test_the_sample_of_a_model_is_its_closing_request(theatre: Theatre, tmp_path: Path, place: str) -> None:
    """One beside the folders of two models is neither's."""
    asked: list[Any] = []

    def answer(namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        if path.endswith("/infer"):
            asked.append(json.loads(body or b"")["inputs"][0]["shape"])
        return Reply(200, {}, b"{}")

    folder = tmp_path / "models" / "one"
    folder.mkdir(parents=True)
    (folder / "model.joblib").write_bytes(TINY_MODEL)
    ((folder if place == "in the folder" else folder.parent) / "sample.json").write_text("[[1, 2, 3]]")
    with theatre.stage() as stage:
        [model] = stage.config.models
        models = [model.model_copy(update={"path": "models/one"})]
        if "another" in place:
            models.append(model.model_copy(update={"name": "other", "path": "models/two"}))
        stage.config = stage.config.model_copy(update={"models": tuple(models)})
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        kube.answer = answer
        own = open_stack(replace(stage.process(), project=tmp_path), mint=True)
        assert deploy(own, [MODEL]).report.ok
        assert asked == ([[1, 1]] if "another" in place else [[1, 3]])


def test_a_sample_that_is_no_request_is_told_before_anything_is_made(theatre: Theatre, tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_bytes(TINY_MODEL)
    (tmp_path / "sample.json").write_text("[1,")
    with theatre.stage() as stage:
        [model] = stage.config.models
        stage.config = stage.config.model_copy(update={"models": (model.model_copy(update={"path": "."}),)})
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        before = kube.refs()
        with pytest.raises(errors.UsageError, match=r"sample\.json"):
            deploy(open_stack(replace(stage.process(), project=tmp_path), mint=True), [MODEL])
        assert kube.refs() == before


def test_deploying_again_gives_pods_that_have_failed_before_a_new_start(theatre: Theatre) -> None:
    """Else a run would fail at once by what an earlier one has shown, though its cause has been mended since."""
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        [kube] = stage.kubernetes.apis.values()
        assert deploy(opened(stage), [MODEL]).report.ok
        [pod] = kube.list("v1", "Pod", "models")
        kube.rollout = "stuck"
        meta = {"name": "stuck", "namespace": "models", "labels": pod["metadata"]["labels"]}
        crashed = {"name": "server", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
        crashed["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error", "message": "boom"}}
        status = {"containerStatuses": [crashed]}
        kube.apply_as("kubelet", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status})
        assert [one.state for one in listed(opened(stage))] == ["failed"]
        kube.rollout = "ready"
        kube.calls.clear()
        assert deploy(opened(stage), [MODEL]).report.ok
        assert ("delete", "v1|Pod|models|stuck") not in kube.calls  # it is ready: what a pod shows is of no matter
        kube.rollout = "stuck"
        assert not deploy(opened(stage), [MODEL]).report.ok
        assert ("delete", "v1|Pod|models|stuck") in kube.calls
