"""The loop behind nodes on demand: pods that find no node get one, and nodes that nobody needs go.

Works for EKS Auto Mode while that is on, and for Karpenter while its stand-in runs; idle otherwise. Each node has a
NodeClaim: made before its instance, held by a finalizer until node and instance are gone, gone with its pool (the
garbage collector deletes it), and, when somebody deletes it, the end of its node.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

import aiohttp

from eksprov.local.contract import AutoMode, InstanceKind, Json, Manager, NodeSpec, NodeWish, Offers
from eksprov.local.node.containers.tools import Tools
from eksprov.local.node.events import timestamp
from eksprov.local.node.fleet import Fleet
from eksprov.local.node.ondemand.choice import SPOT, Choice, Pool, choices, describe, node_labels
from eksprov.local.node.ondemand.demand import NOTHING, Demand, demand
from eksprov.local.node.ondemand.pools import CLAIMS_PATH, POOLS_PATH, claim, claim_status
from eksprov.local.node.rest import MERGE, ApiError, KubeRest

log = logging.getLogger(__name__)

LOOK_S = 0.5
# Pods of one rollout come within moments of each other, and one node for all is better than one for each.
GATHER_S = 0.5
EMPTY_S = 5.0  # at most: a pool's consolidateAfter is AWS's time, the local world's is quicker
SETTLE_S = 3.0  # the scheduler's time to bind pods to a new node
TRIES = 3  # nodes made in vain for one pod: then it is not a lack of nodes
CLASS_PATHS = {"EC2NodeClass": "ec2nodeclasses", "NodeClass": "nodeclasses"}


@dataclass
class Running:
    """A node on demand: of which choice, for which pods, and since when nobody needs it."""

    choice: Choice
    spec: NodeSpec
    kind: InstanceKind
    ready_at: datetime | None = None
    idle_since: datetime | None = None
    leaving: bool = False


class Provisioner:
    """Lives in the agent's loop."""

    def __init__(self, tools: Tools, fleet: Fleet, cluster_arn: str) -> None:
        self._tools = tools
        self._fleet = fleet
        self._arn = cluster_arn
        self._auto = False
        self._trouble = ""
        self._homeless: dict[str, Json] = {}
        self._running: dict[str, Running] = {}
        self._tries: Counter[str] = Counter()
        self._offers: Offers | None = None

    def set_auto_mode(self, wish: AutoMode | None) -> None:
        """Whether EKS Auto Mode is on."""
        self._auto = wish is not None
        self._trouble = wish.trouble if wish is not None else ""

    async def watch(self) -> None:
        """Follow the pods that no node has taken, for ever."""
        params = {"fieldSelector": "spec.nodeName=,status.phase=Pending"}
        await self._rest.watch("/api/v1/pods", params, self._listed, self._event)

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await self._tools.sleep(LOOK_S)
            if not self._managers() and not self._running:
                continue
            try:
                await self._look()
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.info("nodes on demand wait: %s", getattr(error, "reason", type(error).__name__))

    @property
    def _rest(self) -> KubeRest:
        return self._tools.rest

    def _managers(self) -> set[Manager]:
        found: set[Manager] = {"auto"} if self._auto else set()
        return found | ({"karpenter"} if self._fleet.plays("karpenter") else set())

    def _listed(self, pods: list[Json]) -> None:
        self._homeless = {}
        for pod in pods:
            self._event("ADDED", pod)

    def _event(self, event: str, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        if event == "DELETED":
            self._homeless.pop(uid, None)
            self._tries.pop(uid, None)
        elif _finds_no_node(pod):
            self._homeless[uid] = pod

    async def _look(self) -> None:
        await self._end_unwanted()
        pods = self._unserved()
        if not pods:
            return
        await self._tools.sleep(GATHER_S)
        managers = self._managers()
        live = [one for one in await self._list(POOLS_PATH) if not one["metadata"].get("deletionTimestamp")]
        pools = [pool for pool in map(Pool.of, live) if pool.manager in managers]
        if self._trouble:
            pools = await self._without_auto(pools)
        if not pools:
            return
        if self._offers is None:
            self._offers = await asyncio.to_thread(self._tools.aws.offers, self._arn)
        for choice in choices(self._unserved(), pools, self._offers, self._used()):
            await self._make(choice)

    async def _without_auto(self, pools: list[Pool]) -> list[Pool]:
        """The pools that are ready; EKS Auto Mode's say why they are not, and so do the pods that wait."""
        idle = [pool for pool in pools if pool.manager == "auto"]
        for pool in idle:
            ready = {"type": "Ready", "status": "False", "reason": "NodeClassReadinessUnknown"}
            at = {"message": self._trouble, "lastTransitionTime": timestamp(self._tools.now())}
            status = {"status": {"conditions": [{**ready, **at}]}}
            await self._rest.request("PATCH", f"{POOLS_PATH}/{pool.name}/status", status, content_type=MERGE)
        text = f"nodepool {', '.join(pool.name for pool in idle)} is not ready: {self._trouble}"
        for pod in self._unserved() if idle else ():
            self._tries[pod["metadata"]["uid"]] = TRIES  # said once
            self._tools.events.pod(pod, "Warning", "FailedScheduling", text)
        return [pool for pool in pools if pool.manager != "auto"]

    def _unserved(self) -> list[Json]:
        """The pods that no node on its way is meant for."""
        now = self._tools.now()
        meant = {
            pod["metadata"]["uid"]
            for one in self._running.values()
            for pod in one.choice.pods
            if one.ready_at is None or (now - one.ready_at).total_seconds() < SETTLE_S
        }
        return [pod for uid, pod in self._homeless.items() if uid not in meant and self._tries[uid] < TRIES]

    def _used(self) -> dict[str, Demand]:
        used: dict[str, Demand] = {}
        for one in self._running.values():
            name = one.choice.pool.name
            used[name] = used.get(name, NOTHING) + _has(one.kind)
        return used

    async def _make(self, choice: Choice) -> None:
        """A claim, an instance, a node; the claim goes where EC2 has no instance."""
        name = f"{choice.pool.name}-{secrets.token_hex(3)[:5]}"
        node_class = await self._node_class(choice.pool)
        await self._rest.request("POST", CLAIMS_PATH, claim(name, choice))
        self._tries.update(pod["metadata"]["uid"] for pod in choice.pods)
        wish = _wish(name, choice, node_class)
        spec = await asyncio.to_thread(self._tools.aws.launch_node, self._arn, wish)
        if spec is None:
            await self._forget(name)
            for pod in choice.pods:
                text = f"no instance for nodepool {choice.pool.name!r}: EC2 has no capacity for any type that fits"
                self._tools.events.pod(pod, "Warning", "FailedScheduling", text)
            return
        kind = next(one for one in choice.kinds if one.name == spec.instance_type)
        spec = replace(spec, labels={**spec.labels, **describe(kind, choice.pool.group)})
        self._running[name] = Running(choice, spec, kind)
        self._fleet.add((spec,))
        status = {"status": claim_status(spec, _capacity(kind), timestamp(self._tools.now()))}
        await self._rest.request("PATCH", f"{CLAIMS_PATH}/{name}/status", status, content_type=MERGE)

    async def _node_class(self, pool: Pool) -> Json:
        plural = CLASS_PATHS.get(pool.kind)
        if plural is None:
            return {}
        with contextlib.suppress(ApiError):
            return dict((await self._rest.get(f"/apis/{pool.group}/v1/{plural}/{pool.node_class}")).get("spec") or {})
        return {}

    async def _end_unwanted(self) -> None:
        """What was deleted, what lost its manager or its instance, what is empty."""
        if not self._running:
            return
        managers, now = self._managers(), self._tools.now()
        live = {one["metadata"]["name"]: one for one in await self._list(CLAIMS_PATH)}
        for name, one in list(self._running.items()):
            manager, claimed = one.choice.pool.manager, live.get(name)
            if manager == "karpenter" and manager not in managers:
                continue  # nobody there who would do anything
            gone = claimed is None or claimed["metadata"].get("deletionTimestamp") is not None
            self._notice(one, now)
            empty = one.idle_since is not None and (now - one.idle_since).total_seconds() >= EMPTY_S
            if one.leaving or gone or empty or manager not in managers or not self._fleet.has(one.spec.name):
                await self._end(name, one, claimed is not None)

    def _notice(self, one: Running, now: datetime) -> None:
        if one.ready_at is None and self._fleet.ready(one.spec.name):
            one.ready_at = now
        needed = one.ready_at is None or not self._fleet.idle(one.spec.name)
        one.idle_since = None if needed else one.idle_since or now

    async def _end(self, name: str, one: Running, claimed: bool) -> None:
        """Called until the node is gone: then the instance goes, and the claim at last."""
        if claimed and not one.leaving:
            await self._rest.delete(f"{CLAIMS_PATH}/{name}")
        one.leaving = True
        if self._fleet.has(one.spec.name):
            self._fleet.remove((one.spec.name,))
            return
        await asyncio.to_thread(self._tools.aws.terminate_node, self._arn, one.spec.name)
        await self._forget(name)
        del self._running[name]

    async def _forget(self, name: str) -> None:
        """Delete a claim, finalizer and all."""
        path = f"{CLAIMS_PATH}/{name}"
        await self._rest.delete(path)
        with contextlib.suppress(ApiError):
            await self._rest.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE)

    async def _list(self, path: str) -> list[Json]:
        """Nothing where the kind is not known yet."""
        try:
            return list((await self._rest.get(path)).get("items") or [])
        except ApiError as error:
            if error.status == 404:
                return []
            raise


def _wish(name: str, choice: Choice, node_class: Json) -> NodeWish:
    pool = choice.pool
    assert pool.manager is not None
    storage = str((node_class.get("ephemeralStorage") or {}).get("size") or _root_size(node_class)).removesuffix("Gi")
    return NodeWish(
        claim=name,
        pool=pool.name,
        node_class=pool.node_class,
        manager=pool.manager,
        instance_types=tuple(kind.name for kind in choice.kinds),
        zones=choice.zones,
        spot=choice.capacity == SPOT,
        disk_gib=int(storage) if storage.isdecimal() else 80,
        subnets=tuple(node_class.get("subnetSelectorTerms") or ()),
        plugins=("nvidia",) if _is_bottlerocket(node_class) else (),
        instance_tags=node_class.get("tags") or {},
        labels={
            **node_labels(pool, choice.capacity),
            "karpenter.sh/registered": "true",
            "karpenter.sh/initialized": "true",
        },
        taints=pool.taints,
    )


def _is_bottlerocket(node_class: Json) -> bool:
    terms = node_class.get("amiSelectorTerms") or ()
    return any(str(term.get("alias", "")).startswith("bottlerocket@") for term in terms)


def _root_size(node_class: Json) -> str:
    sizes = [(disk.get("ebs") or {}).get("volumeSize", "") for disk in node_class.get("blockDeviceMappings") or ()]
    return next(filter(None, sizes), "80Gi")


def _finds_no_node(pod: Json) -> bool:
    """The scheduler has looked and found none."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "PodScheduled" and one.get("reason") == "Unschedulable" for one in conditions)


def _capacity(kind: InstanceKind) -> dict[str, str]:
    return {"cpu": str(kind.vcpus), "memory": f"{kind.memory_mib}Mi", "pods": str(kind.max_pods)}


def _has(kind: InstanceKind) -> Demand:
    return demand({"spec": {"containers": [{"resources": {"requests": _capacity(kind)}}]}})
