"""What comes before and after the walk of a deployment: failed pods get a new start, and each model is asked at last.

A model whose closing request fails has failed its last step, and is recorded so: `models` and `status` then do not call
it ready, and the next deployment asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eksprov import errors
from eksprov.core.names import model_step
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import AnyStep, PhaseState
from eksprov.kube.api import KubeApi, Manifest, Ref
from eksprov.operations.apply import Applier
from eksprov.operations.stack import Opened
from eksprov.serving.diagnosis.observe import is_ready, observe
from eksprov.serving.diagnosis.rollout import verdict
from eksprov.serving.inspection.package import SAMPLE, Package
from eksprov.serving.objects import KubeWorkload
from eksprov.serving.requests.asking import Asker, ClosingAnswer
from eksprov.serving.requests.invoke import Target, read_data
from eksprov.serving.requests.rows import Given
from eksprov.serving.spec import ModelSpec
from eksprov.serving.workload import REVISION

Chosen = Sequence[tuple[ModelSpec, Package]]


def samples(opened: Opened, chosen: Chosen) -> dict[str, Given]:
    """The sample requests of those models that have one. Raises: UsageError for one that is no request."""
    found = {spec.name: _sample(opened, package) for spec, package in chosen}
    return {name: read_data(_text(path), str(path), csv=False) for name, path in found.items() if path is not None}


def start_again(kube: KubeApi, steps: Iterable[AnyStep]) -> None:
    """Take away the pods with which an earlier run's deployment of the same revision has failed: what they show is of
    before, and what kept them from starting may have been mended since."""
    for step in steps:
        live = kube.get(step.ref) if isinstance(step, KubeWorkload) else None
        if live is None or not isinstance(step, KubeWorkload) or _revision(live) != _revision(step.manifest):
            continue
        seen = observe(kube, live)
        if verdict(seen).state is PhaseState.FAILED:
            for pod in (one for one in seen.pods if not is_ready(one)):
                kube.delete(Ref.of({"apiVersion": "v1", "kind": "Pod", **pod}), uid=pod["metadata"].get("uid", ""))


def ask_each(
    applier: Applier, kube: KubeApi, chosen: Chosen, known: Mapping[str, Given], outcomes: Iterable[Outcome]
) -> tuple[list[Outcome], dict[str, ClosingAnswer]]:
    """Ask each model that is loaded. The outcomes, with those that cannot answer as failed; what each made of it."""
    ended, asked = {outcome.name: outcome for outcome in outcomes}, dict[str, ClosingAnswer]()
    for spec, _ in chosen:
        last = ended.get(model_step(spec.name, "endpoint"))
        if last is None or not last.good:
            continue
        stack = applier.opened.stack
        stack.progress.waiting(last.name, "asking it")
        target = Target(spec.namespace, spec.name, spec.name)
        asker = Asker(kube, target, stack.clock, spec.model.predict_timeout_s, spec.runtime.name)
        try:
            said = asker.ask(known.get(spec.name))
        except (errors.ProvisioningError, errors.AccessError, errors.WaitTimeoutError) as error:
            said = ClosingAnswer(f"it is loaded, and could not be asked: {error.message}", error.hint)
        asked[spec.name] = said
        if said.failure:
            ended[last.name] = replace(last, status=Status.FAILED, message=said.failure, hint=said.hint)
            applier.correct(ended[last.name])
    return list(ended.values()), asked


def _sample(opened: Opened, package: Package) -> Path | None:
    """The sample request in a model's folder, or beside it where no other model lies beside it too."""
    folders = [(opened.stack.project / model.path).resolve() for model in opened.stack.config.models]
    beside = package.folder.resolve().parent
    alone = sum(folder.parent == beside for folder in folders) == 1 and (beside / SAMPLE).is_file()
    return package.sample or (beside / SAMPLE if alone else None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "it is the request that the model is asked with: JSON, in UTF-8"
        raise errors.UsageError(f"{path} cannot be read: {error}", hint) from error


def _revision(workload: Manifest) -> str:
    return str((workload["metadata"].get("labels") or {}).get(REVISION, ""))
