"""What controllers made, at teardown: asked to go through Kubernetes while it lives, then swept from AWS by tag.

A load balancer belongs to a Service or an Ingress, a volume to a claim. Deleting those while the cluster's controllers
run takes their AWS resources away in good order; what is left when the cluster is gone is found by the tags that
controllers write (https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eksprov import errors
from eksprov.core.converge import is_ours
from eksprov.core.pace import pause
from eksprov.core.step import Sighting, Step
from eksprov.kube.api import KubeApi, Manifest, Ref
from eksprov.operations.stack import Opened, survey
from eksprov.steps.karpenter_roles import NODE as KARPENTER_NODE
from eksprov.steps.leftovers import NAME, Leftovers

CLAIMS = (("v1", "Service"), ("networking.k8s.io/v1", "Ingress"), ("v1", "PersistentVolumeClaim"))
GRACE_S = 300.0  # of AWS's time: a load balancer takes minutes to go
EXPECTED_S = 60.0
# The network goes after everything that controllers may have put into it, and the role of Karpenter's nodes after the
# instance profiles that it is in.
_HOLDS_LEFTOVERS = frozenset({"internet-gateway", "security-group", "subnet", "vpc"})


def holds_leftovers(step: Step[Any, Any]) -> bool:
    """Whether the step goes after the sweep."""
    return step.kind in _HOLDS_LEFTOVERS or step.name == KARPENTER_NODE


def release(kube: KubeApi, opened: Opened) -> None:
    """Delete what holds load balancers and volumes, and wait for it, though not for ever: the sweep comes after."""
    stack, clock = opened.stack, opened.stack.clock
    try:
        asked = list(_claims(kube))
        for live in asked:
            kube.delete(Ref.of(live), uid=live["metadata"].get("uid", ""))
    except errors.EksprovError as error:
        stack.progress.note(f"load balancers and volumes cannot be asked to go ({error.message}); they are swept")
        return
    if not asked:
        return
    stack.progress.note(f"asked {len(asked)} Services, Ingresses and volume claims of the cluster to go")
    began = clock.now()
    while (waited := clock.now() - began) < GRACE_S / stack.aws.speed and not stack.stopped():
        if not [live for live in asked if _is_there(kube, live)]:
            return
        clock.sleep(pause(waited, EXPECTED_S, stack.aws.speed))
    left = [Ref.of(live).title for live in asked if _is_there(kube, live)]
    stack.progress.note(f"still there: {', '.join(left)}; what they made in AWS is swept")


def broom(opened: Opened, steps: Iterable[Step[Any, Any]]) -> tuple[Leftovers, ...]:
    """The sweep of our cluster's leftovers; none where the cluster of that name is not, and was not, this stack's."""
    cluster = next(step for step in opened.steps if step.kind == "cluster")
    found = opened.read(cluster, fresh=True)
    if found is not None and not is_ours(found.owner, opened.us):
        return ()
    ours = found is not None or "cluster" in opened.state.steps or bool(opened.sightings)
    if not ours:
        return ()
    after = tuple(step.name for step in steps if _is_infrastructure(step))
    return (Leftovers(name=NAME, slug=cluster.slug, outlives=after),)


def left_by_controllers(opened: Opened, swept: Iterable[Leftovers]) -> list[Sighting]:
    """What the sweep did not get, read anew."""
    together = opened.stack.together
    return [found for step in swept for found in survey(opened.aws, step.slug, (type(step),), together)]


def _is_infrastructure(step: Step[Any, Any]) -> bool:
    return step.world == "aws" and step.kind in ("addon", "cluster", "node-group")


def _claims(kube: KubeApi) -> Iterator[Manifest]:
    for api_version, kind in CLAIMS:
        for live in kube.list(api_version, kind):
            if kind != "Service" or live.get("spec", {}).get("type") == "LoadBalancer":
                yield {"apiVersion": api_version, "kind": kind, **live}


def _is_there(kube: KubeApi, asked: Manifest) -> bool:
    """A cluster that does not answer any more holds nothing that could be waited for."""
    try:
        live = kube.get(Ref.of(asked))
    except errors.EksprovError:
        return False
    return live is not None and live["metadata"].get("uid") == asked["metadata"].get("uid")
