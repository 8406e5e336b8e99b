"""What controllers made, at teardown: asked to go through Kubernetes while it lives, then swept from AWS by tag.

A load balancer belongs to a Service or an Ingress, a volume to a claim, a node of EKS Auto Mode to a pool. Deleting
those while the cluster's controllers run takes their AWS resources away in good order; what is left when the cluster
is gone is found by the tags that controllers write (https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html).
Nodes and leaked interfaces are swept before the cluster: EKS would leave its security group for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from eksprov import errors
from eksprov.core.convergence.converge import is_ours
from eksprov.core.convergence.pace import poll_interval
from eksprov.core.step import AnyStep
from eksprov.core.words import counted
from eksprov.kube.api import KubeApi, Manifest, Ref, UnknownKindError
from eksprov.operations.stack import Opened
from eksprov.steps.addons.addon import Addon
from eksprov.steps.cluster.nodes_on_demand import NAME as NODES
from eksprov.steps.cluster.nodes_on_demand import NodesOnDemand
from eksprov.steps.identity.karpenter_roles import NODE as KARPENTER_NODE
from eksprov.steps.identity.roles import AUTO_NODE
from eksprov.steps.leftovers.leftovers import NAME, Leftovers
from eksprov.steps.leftovers.reclaiming import Reclaiming
from eksprov.steps.node_groups.node_group import NodeGroup

CLAIMS = (("v1", "Service"), ("networking.k8s.io/v1", "Ingress"), ("v1", "PersistentVolumeClaim"))
POOL, NODE_CLAIM = ("karpenter.sh/v1", "NodePool"), ("karpenter.sh/v1", "NodeClaim")
GRACE_S = 300.0  # of AWS's time: a load balancer takes minutes to go
EXPECTED_S = 60.0
# The network goes after everything that controllers may have put into it, and the role of Karpenter's nodes after the
# instance profiles that it is in; so does that of Auto Mode's.


def holds_leftovers(step: AnyStep) -> bool:
    """Whether the step goes after the leftovers."""
    return step.traits.network or step.name in (KARPENTER_NODE, AUTO_NODE)


def release(kube: KubeApi, opened: Opened, *, auto_mode: bool = False) -> None:
    """Delete what holds load balancers, volumes and Auto Mode's nodes, and wait for it; not for ever: sweeps follow."""
    stack, clock = opened.stack, opened.stack.clock
    try:
        pools = list(_pools(kube)) if auto_mode else []
        asked = [*_claims(kube), *pools]
        for live in asked:
            kube.delete(Ref.of(live), uid=live["metadata"].get("uid", ""))
    except errors.EksprovError as error:
        stack.progress.note(f"load balancers and volumes cannot be asked to go ({error.message}); they are swept")
        return
    if not asked:
        return
    stack.progress.note(f"asked {counted(Counter(str(live['kind']) for live in asked))} of the cluster to go")
    began = clock.now()
    while (waited := clock.now() - began) < GRACE_S / stack.aws.speed and not stack.stopped():
        if not _still_there(kube, asked, nodes=bool(pools)):
            return
        clock.sleep(poll_interval(waited, EXPECTED_S, stack.aws.speed))
    left = _still_there(kube, asked, nodes=bool(pools))
    stack.progress.note(f"still there: {', '.join(left)}; what they made in AWS is taken away")


def leftovers_step(opened: Opened, steps: Iterable[AnyStep], reclaiming: Reclaiming) -> Leftovers | None:
    """The step that takes our cluster's leftovers; None where the cluster of that name was never this stack's.

    Where nothing is known of it any more, it is still ours what an earlier teardown has marked as kept.
    """
    cluster = opened.cluster
    found = opened.read(cluster, fresh=True)
    if found is not None and not is_ours(found.owner, opened.us):
        return None
    recorded = cluster.name in opened.state.steps or cluster.name in opened.state.generations  # now, or deleted since
    ours = found is not None or recorded or bool(opened.resources)
    after = tuple(step.name for step in steps if step.name == cluster.name or _lives_in_cluster(step))
    return Leftovers(name=NAME, slug=cluster.slug, outlives=after, reclaiming=reclaiming, marked_alone=not ours)


def nodes_first(opened: Opened, steps: Iterable[AnyStep]) -> NodesOnDemand:
    """What has to leave between node groups and cluster."""
    after = tuple(step.name for step in steps if step.world == "kube" or _lives_in_cluster(step))
    return NodesOnDemand(name=NODES, slug=opened.cluster.slug, outlives=after)


def _lives_in_cluster(step: AnyStep) -> bool:
    return isinstance(step, Addon | NodeGroup)


def _pools(kube: KubeApi) -> Iterator[Manifest]:
    """Of EKS Auto Mode: its own and the user's, and with them their nodes."""
    api_version, kind = POOL
    try:
        for live in kube.list(api_version, kind):
            yield {"apiVersion": api_version, "kind": kind, **live}
    except UnknownKindError:  # it has never had any
        return


def _still_there(kube: KubeApi, asked: Iterable[Manifest], *, nodes: bool) -> list[str]:
    """What has been asked to go and has not, and the claims of nodes, which go with their pools."""
    left = [Ref.of(live).title for live in asked if _is_there(kube, live)]
    try:
        claims = kube.list(*NODE_CLAIM) if nodes else []
    except errors.EksprovError:
        return left
    return [*left, *(f"NodeClaim {live['metadata']['name']}" for live in claims)]


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
