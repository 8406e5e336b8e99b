"""A model's deployment as steps: its files in S3 and its objects in the cluster, with who waits for whom. Pure.

The steps of its AWS identity (role, pod identity association) are made elsewhere; the pods wait for the association,
because a pod that starts before it runs without credentials for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from eksprov.core.names import InBucket, Namespaced, StepName, model_step
from eksprov.core.step import AnyStep
from eksprov.kube.api import Manifest, Ref
from eksprov.serving import manifests
from eksprov.serving.endpoint import ModelEndpoint
from eksprov.serving.files import ModelFiles
from eksprov.serving.inspection.package import Package
from eksprov.serving.objects import KubeObject, KubeWorkload
from eksprov.serving.spec import ModelSpec, model_prefix


def model_steps(spec: ModelSpec, package: Package, association: str) -> tuple[AnyStep, ...]:
    """The steps of one model, in the order of application; `association` names its pod identity association's step.

    The first objects are shared by all models of the namespace: they come once for each model, equal, with equal names.
    """
    me = partial(model_step, spec.name)
    shared = _objects(manifests.shared(spec.namespace, spec.stack), {})
    namespace = shared[0].name
    own = manifests.of_model(spec)
    waits: dict[str, tuple[str, ...]] = dict.fromkeys(own, (namespace,))
    # The network policy comes before the pods. A new pod of a standard node is allowed all until the node's agent has
    # reconciled it (https://github.com/aws/aws-network-policy-agent, `standard` mode): seconds, not for ever.
    before_pods = (me("network-policy"), me("service-account"), me("service"), me("files"), association)
    waits[me("deployment")] = (namespace, shared[1].name, *before_pods)
    files = ModelFiles(
        name=me("files"),
        slug=str(InBucket(spec.stack.bucket, model_prefix(spec.name))),
        digest=package.digest,
        files=package.files,
    )
    endpoint = ModelEndpoint(
        name=me("endpoint"),
        slug=str(Namespaced(spec.namespace, spec.name)),
        needs=(me("service"), me("deployment"), me("autoscaler"), me("disruption-budget")),
        model=spec.name,
        min_replicas=spec.model.replicas.min,
    )
    return (files, shared[0], *_after(shared[1:], namespace), *_objects(own, waits), endpoint)


def is_shared(name: str) -> bool:
    """Whether a step serves all models of a namespace: it goes with the last of them."""
    return StepName.parse(name).of.startswith("@")


def all_manifests(spec: ModelSpec) -> list[Manifest]:
    """Every object of a model's deployment, for `export`."""
    return [*manifests.shared(spec.namespace, spec.stack).values(), *manifests.of_model(spec).values()]


def _objects(named: Mapping[str, Manifest], waits: Mapping[str, tuple[str, ...]]) -> list[KubeObject]:
    return [
        (KubeWorkload if manifest["kind"] == "Deployment" else KubeObject)(
            name=name, slug=str(Ref.of(manifest)), needs=waits.get(name, ()), manifest=manifest
        )
        for name, manifest in named.items()
    ]


def _after(steps: list[KubeObject], need: str) -> list[KubeObject]:
    return [replace(step, needs=(need,)) for step in steps]
