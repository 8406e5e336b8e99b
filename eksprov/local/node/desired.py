"""What EKS itself keeps inside a cluster: the objects of add-ons and the bindings of access policies.

The wish is stored at once; `run` brings it about by server-side apply as field manager "eks", as EKS does
(https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html), and tries again until it holds.
`watch` follows the workloads of kube-system, from which `health` tells whether an add-on is available.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import aiohttp

from eksprov.local.contract import AddonHealth, AddonSpec, AutoMode, ClusterSpec, Json
from eksprov.local.node import addons
from eksprov.local.node.ondemand.pools import built_in, definitions
from eksprov.local.node.rest import ApiError, KubeRest, object_path

log = logging.getLogger(__name__)

Key = tuple[str, str]

MANAGER = "eks"
RETRY_S = 0.5
ACCESS = "access policies"
AUTO_MODE, AUTO_MODE_KINDS = "auto mode", "kinds of auto mode"


class Desired:
    """Lives in the agent's loop; `health` is asked from other threads too."""

    def __init__(self, rest: KubeRest, spec: ClusterSpec, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._rest = rest
        self._place = addons.Place.of(spec)
        self._sleep = sleep
        self._wanted: dict[str, list[Json]] = {}
        self._applied: dict[str, list[Json]] = {}
        self._generations: dict[Key, int] = {}
        self._workloads: dict[Key, Json] = {}
        self._unknown: set[str] = set()
        self._wake = asyncio.Event()

    def install(self, addon: AddonSpec) -> None:
        objects = addons.objects(addon, self._place)
        if objects is None:
            self._unknown.add(addon.name)
            log.warning("the local world does not know the add-on %s", addon.name)
            return
        self._wanted[addon.name] = objects
        self._wake.set()

    def remove(self, name: str) -> None:
        """Want the add-on's objects no longer."""
        self._unknown.discard(name)
        if self._wanted.get(name):
            self._wanted[name] = []
        self._wake.set()

    def bind(self, policies: Mapping[str, str]) -> None:
        """Want exactly these groups bound to these ClusterRoles, everywhere or ("edit/team-a") in one namespace.

        Each namespace's binding is a wish of its own: it cannot come true before its namespace exists.
        """
        everywhere = {group: role for group, role in policies.items() if "/" not in role}
        self._wanted[ACCESS] = [binding(group, role) for group, role in sorted(everywhere.items())]
        limited = {f"{ACCESS} {group}": [binding(group, role)] for group, role in policies.items() if "/" in role}
        gone = [name for name in self._wanted if name.startswith(f"{ACCESS} ") and name not in limited]
        self._wanted |= {name: [] for name in gone} | limited
        self._wake.set()

    def set_auto_mode(self, wish: AutoMode | None) -> None:
        """Want Auto Mode's pools and their NodeClass; the kinds stay when it is switched off."""
        if wish is not None:
            self._wanted[AUTO_MODE_KINDS] = definitions()
        if wish is not None or AUTO_MODE in self._wanted:
            self._wanted[AUTO_MODE] = built_in(wish) if wish is not None else []
        self._wake.set()

    def health(self, name: str) -> AddonHealth:
        """Whether the add-on's workloads are available, or what they wait for."""
        wanted = self._wanted.get(name)
        if name in self._unknown:
            return AddonHealth(False, f"the local world does not know the add-on {name}; it knows {addons.known()}")
        if not wanted:
            return AddonHealth(False, f"the add-on {name} is not installed")
        if self._applied.get(name) != wanted:
            return AddonHealth(False, "its objects are being applied")
        waits = [self._wait_of(obj) for obj in wanted if obj["kind"] in ("DaemonSet", "Deployment")]
        message = "; ".join(filter(None, waits))
        return AddonHealth(not message, message)

    async def run(self) -> None:
        """Bring the wishes about, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending = [name for name, objects in self._wanted.items() if self._applied.get(name, []) != objects]
            done = await asyncio.gather(*map(self._reconciled, pending))
            if not all(done):
                await self._sleep(RETRY_S)
                self._wake.set()

    async def watch(self) -> None:
        """Follow kube-system's DaemonSets and Deployments, for ever."""
        async with asyncio.TaskGroup() as group:
            for kind, plural in (("DaemonSet", "daemonsets"), ("Deployment", "deployments")):
                path = f"/apis/apps/v1/namespaces/{addons.NAMESPACE}/{plural}"
                group.create_task(self._rest.watch(path, {}, partial(self._listed, kind), partial(self._changed, kind)))

    def _listed(self, kind: str, objects: list[Json]) -> None:
        self._workloads = {key: obj for key, obj in self._workloads.items() if key[0] != kind}
        for obj in objects:
            self._changed(kind, "ADDED", obj)

    def _changed(self, kind: str, event: str, obj: Json) -> None:
        key = (kind, obj["metadata"]["name"])
        if event == "DELETED":
            self._workloads.pop(key, None)
        else:
            self._workloads[key] = obj

    async def _reconciled(self, name: str) -> bool:
        wanted, applied = self._wanted[name], self._applied.get(name, [])
        kept = {object_path(obj) for obj in wanted}
        try:
            for obj in reversed(applied):
                if object_path(obj) not in kept:
                    await self._rest.delete(object_path(obj))
            for obj in wanted:
                answer = await self._rest.apply(obj, MANAGER)
                key = (obj["kind"], obj["metadata"]["name"])
                self._generations[key] = int(answer["metadata"].get("generation", 0))
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.info("%s cannot be applied yet: %s", name, getattr(error, "reason", type(error).__name__))
            return False
        self._applied[name] = wanted
        return self._wanted[name] is wanted

    def _wait_of(self, wanted: Json) -> str:
        key = (wanted["kind"], wanted["metadata"]["name"])
        live = self._workloads.get(key)
        name = f"{key[0]} {key[1]}"
        if live is None:
            return f"{name} does not exist yet"
        status, generation = live.get("status", {}), int(live["metadata"]["generation"])
        seen = int(status.get("observedGeneration", 0))
        if generation < self._generations.get(key, 0) or seen < generation:
            return f"{name} is being rolled out"
        if key[0] == "DaemonSet":
            want = int(status.get("desiredNumberScheduled", 0))
            have = min(int(status.get("numberReady", 0)), int(status.get("updatedNumberScheduled", 0)))
            return "" if have >= want else f"{name} is ready on {have} of {want} nodes"
        replicas = int(live["spec"].get("replicas", 1))
        have = min(int(status.get("availableReplicas", 0)), int(status.get("updatedReplicas", 0)))
        return "" if have >= replicas else f"{name} has {have} of {replicas} replicas available"


def binding(group: str, role: str) -> Json:
    """The binding for one group; its name changes with the role, since a roleRef cannot be changed."""
    digest = hashlib.sha256(f"{group}\0{role}".encode()).hexdigest()[:16]
    role, _, namespace = role.partition("/")
    place = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": f"eks-access-policy-{digest}", **place, "annotations": {"eksprov.dev/group": group}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    }
