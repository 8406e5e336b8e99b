"""A `KubeApi` in memory: objects, field managers, namespaces, admission, and a Deployment controller without a clock.

Held to a real API server by the suite in tests/kube/test_kube_api_laws.py. `rollout` says how Deployments fare:
"ready" at once, or "stuck" for ever; one whose pod is `unfit` for every node is stuck with pods that say why.
`answer` plays the servers behind services. `calls` records what was asked.
"""

from __future__ import annotations

import copy
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from eksprov import errors
from eksprov.kube.api import FIELD_MANAGER, ConflictError, Manifest, Ref, Reply, UnknownKindError
from eksprov.kube.owned import MERGE_KEYS
from eksprov.kube.resources import KNOWN
from support.pod_security import violations

Path = tuple[Any, ...]
Answer = Callable[[str, str, str, str, bytes | None], Reply]


class MemoryKube:
    """An API server's worth of objects."""

    def __init__(
        self,
        rollout: Literal["ready", "stuck"] = "ready",
        answer: Answer | None = None,
        unfit: Callable[[Mapping[str, Any]], str] = lambda pod: "",
        homeless: Callable[[], Mapping[str, str]] = dict,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._now, self._begun = now, dict[Ref, float]()  # when each object was last changed
        self.rollout, self._unfit, self._addons = rollout, unfit, homeless
        self.answer: Answer = answer or self._serve
        self.calls: list[tuple[str, str]] = []
        self.lines: dict[tuple[str, str, str], list[str]] = {}
        self._lock = threading.RLock()
        self._objects: dict[Ref, dict[str, Any]] = {}
        self._managed: dict[Ref, dict[str, dict[Path, Any]]] = {}
        self._uids = itertools.count(1)
        for name in ("default", "kube-system"):
            self.apply_as("bootstrap", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.calls.clear()

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The mutating calls so far."""
        return [call for call in self.calls if call[0] in ("apply", "delete")]

    def refs(self) -> set[Ref]:
        """All objects but the two first namespaces."""
        return {r for r in self._objects if r.name not in ("default", "kube-system")}

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """The object as it is now."""
        with self._lock:
            self.calls.append(("get", str(ref)))
            self._namespaced(ref.api_version, ref.kind, reading=True)
            found = self._objects.get(ref)
            return self._seen(found) if found is not None else None

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """By kind, namespace and labels."""
        with self._lock:
            self.calls.append(("list", kind))
            self._namespaced(api_version, kind, reading=True)
            wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
            every = [*self._objects.items(), *((*self._pending(), *self._running()) if kind == "Pod" else ())]
            return [
                self._seen(live)
                for ref, live in every
                if (ref.api_version, ref.kind) == (api_version, kind)
                and namespace in ("", ref.namespace)
                and wanted.items() <= (live["metadata"].get("labels") or {}).items()
            ]

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Server-side apply as eksprov."""
        return self.apply_as(FIELD_MANAGER, manifest, dry_run=dry_run, force=force)

    def apply_as(
        self, manager: str, manifest: Manifest, *, dry_run: bool = False, force: bool = False
    ) -> dict[str, Any]:
        """Server-side apply as anyone; an edit by hand is an apply with force as "kubectl-edit"."""
        ref = Ref.of(manifest)
        with self._lock:
            self.calls.append(("dry-run" if dry_run else "apply", str(ref)))
            self._admit(ref, manifest)
            fields = dict(_fields(copy.deepcopy(dict(manifest))))
            before = self._objects.get(ref)
            had = dict(_fields(before)) if before else {}
            managed = copy.deepcopy(self._managed.get(ref, {}))
            if not force:
                _refuse_conflicts(ref, fields, had, managed, manager)
            after = self._merged(ref, fields, had, managed, manager)
            if not dry_run:
                self._objects[ref], self._managed[ref] = after, managed
            return self._seen(after)

    def delete(self, ref: Ref, *, uid: str = "") -> None:
        """At once, and a namespace with all that is in it."""
        with self._lock:
            self.calls.append(("delete", str(ref)))
            found = self._objects.get(ref)
            if found is None:
                return
            if uid and found["metadata"]["uid"] != uid:
                raise errors.ProvisioningError(
                    f"could not delete {ref.title}: Precondition failed: UID in precondition"
                )
            inside = [r for r in self._objects if ref.kind == "Namespace" and r.namespace == ref.name]
            for gone in (ref, *inside):
                self._objects.pop(gone)
                self._managed.pop(gone, None)

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail_lines: int | None = None,
        follow: bool = False,
        previous: bool = False,
    ) -> Iterator[str]:
        """What `lines` holds, of the present run; there was none before."""
        lines = [] if previous else self.lines.get((namespace, pod, container), [])
        return iter(lines[-tail_lines:] if tail_lines else lines)

    def service_proxy(
        self,
        namespace: str,
        service: str,
        port: str,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """What `answer` says, or 404 where there is no such service."""
        with self._lock:
            self.calls.append(("proxy", f"{method} {path}"))
            if Ref("v1", "Service", namespace, service) not in self._objects:
                status = {"kind": "Status", "code": 404, "message": f'services "{service}" not found'}
                return Reply(404, {}, json.dumps(status).encode())
        return self.answer(namespace, service, method, path, body)

    def server_version(self) -> str:
        """Some version."""
        return "v1.36.0"

    def _serve(self, namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        """A model server that is ready once its Deployment is."""
        if self.rollout != "ready" or Ref("apps/v1", "Deployment", namespace, service) not in self._objects:
            status = {"kind": "Status", "code": 503, "message": f'no endpoints available for service "{service}"'}
            return Reply(503, {}, json.dumps(status).encode())
        about = {"name": service, "platform": "", "inputs": [], "outputs": []}
        return Reply(200, {}, json.dumps(about if not path.endswith("/ready") else {}).encode())

    def _admit(self, ref: Ref, manifest: Manifest) -> None:
        if not self._namespaced(ref.api_version, ref.kind):
            return
        space = self._objects.get(Ref("v1", "Namespace", "", ref.namespace))
        if space is None:
            raise errors.ProvisioningError(f'could not apply {ref.title}: namespaces "{ref.namespace}" not found')
        level = (space["metadata"].get("labels") or {}).get("pod-security.kubernetes.io/enforce")
        if ref.kind == "Pod" and level == "restricted" and (found := violations(manifest["spec"])):
            raise errors.ProvisioningError(
                f'could not apply {ref.title}: pods "{ref.name}" is forbidden: '
                f'violates PodSecurity "restricted:latest": {", ".join(found)}'
            )

    def _namespaced(self, api_version: str, kind: str, *, reading: bool = False) -> bool:
        """By what is known here, or by a definition that was applied; of Kubernetes' own others there are none."""
        if (api_version, kind) in KNOWN:
            return KNOWN[api_version, kind].namespaced
        group, slash, _ = api_version.rpartition("/")
        if reading and (not slash or "." not in group or group.endswith(".k8s.io")):
            return True
        for ref, live in self._objects.items():
            group, names = live.get("spec", {}).get("group", ""), live.get("spec", {}).get("names", {})
            if ref.kind == "CustomResourceDefinition" and (group, names["kind"]) == (api_version.split("/")[0], kind):
                return bool(live["spec"]["scope"] == "Namespaced")
        raise UnknownKindError(api_version, kind)

    def _merged(
        self, ref: Ref, fields: dict[Path, Any], had: dict[Path, Any], managed: dict[str, dict[Path, Any]], manager: str
    ) -> dict[str, Any]:
        mine = managed.get(manager, {})
        others = {path for name, theirs in managed.items() if name != manager for path in theirs}
        kept = {path: value for path, value in had.items() if path not in mine or path in fields or path in others}
        result = {**kept, **fields}
        for name, theirs in managed.items():  # whoever's value was overwritten no longer manages it
            if name != manager:
                managed[name] = {p: v for p, v in theirs.items() if fields.get(p, v) == v}
        managed[manager] = fields
        live = _joined(result)
        old = self._objects.get(ref)
        meta = live["metadata"]
        meta["uid"] = old["metadata"]["uid"] if old else f"uid-{next(self._uids)}"
        meta["generation"] = (old["metadata"]["generation"] if old else 0) + (1 if had != result else 0)
        if old is None or had != result:
            self._begun[ref] = self._now()
        return live

    def _homeless(self, deployment: Mapping[str, Any]) -> str:
        """What the scheduler says of its pods; nothing where a pool makes nodes for them."""
        pooled = any(ref.kind == "NodePool" for ref in self._objects)
        return "" if pooled else self._unfit(deployment["spec"]["template"]["spec"])

    def _pending(self) -> Iterator[tuple[Ref, dict[str, Any]]]:
        """One pod of each Deployment that finds no node."""
        for ref, live in tuple(self._objects.items()):
            if ref.kind == "Deployment" and (why := self._homeless(live)):
                name, template = f"{ref.name}-0", live["spec"]["template"]
                said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
                meta = {"name": name, "namespace": ref.namespace, "labels": template["metadata"].get("labels", {})}
                status = {"phase": "Pending", "conditions": [said]}
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"], "status": status}
                yield Ref("v1", "Pod", ref.namespace, name), pod
        for addon, why in self._addons().items():
            said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
            meta = {"name": f"{addon}-0", "namespace": "kube-system"}
            status = {"phase": "Pending", "conditions": [said]}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status}
            yield Ref("v1", "Pod", "kube-system", f"{addon}-0"), pod

    def _running(self) -> Iterator[tuple[Ref, dict[str, Any]]]:
        """The pods of each Deployment that fares well."""
        for ref, live in tuple(self._objects.items()):
            if ref.kind != "Deployment" or self.rollout != "ready" or self._homeless(live):
                continue
            template = live["spec"]["template"]
            for number in range(live["spec"].get("replicas", 1)):
                name = f"{ref.name}-{number}"
                meta = {**template["metadata"], "name": name, "namespace": ref.namespace, "uid": f"uid-of-{name}"}
                status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"], "status": status}
                yield Ref("v1", "Pod", ref.namespace, name), pod

    def _seen(self, live: Mapping[str, Any]) -> dict[str, Any]:
        """What a reader gets: defaults and status are added, as a server does."""
        seen = copy.deepcopy(dict(live))
        if seen["kind"] == "CustomResourceDefinition":
            seen["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
        if seen["kind"] == "Deployment":
            wanted = seen["spec"].setdefault("replicas", 1)
            generation = seen["metadata"]["generation"]
            seen["status"] = {"observedGeneration": generation, "replicas": wanted, "updatedReplicas": wanted}
            if self.rollout == "ready" and not self._homeless(seen):
                seen["status"] |= {"availableReplicas": wanted, "readyReplicas": wanted}
            elif self._now() - self._begun[Ref.of(seen)] >= seen["spec"].get("progressDeadlineSeconds", 600):
                said = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
                seen["status"]["conditions"] = [said]
        return seen


def _refuse_conflicts(
    ref: Ref, fields: dict[Path, Any], had: dict[Path, Any], managed: dict[str, dict[Path, Any]], manager: str
) -> None:
    rivals = {
        name
        for name, theirs in managed.items()
        for path, value in fields.items()
        if name != manager and path in theirs and had.get(path) != value
    }
    if rivals:
        named = tuple(sorted(rivals))
        raise ConflictError(f"could not apply {ref.title}: conflicts with {named}", "undo that change there", named)


def _fields(tree: Any, path: Path = (), parent: str = "") -> Iterator[tuple[Path, Any]]:
    """The leaves of an object; items of merged lists are told apart by their keys."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            if path == ("metadata",) and key in ("uid", "generation"):
                continue
            yield from _fields(value, (*path, key), f"{parent.rpartition('.')[2]}.{key}")
        return
    keys = MERGE_KEYS.get(parent) or MERGE_KEYS.get(parent.rpartition(".")[2])
    if isinstance(tree, list) and keys and tree:
        for item in tree:
            yield from _fields(item, (*path, tuple((k, item[k]) for k in keys)), parent)
        return
    yield path, tree


def _joined(fields: Mapping[Path, Any]) -> dict[str, Any]:
    """The opposite of `_fields`."""
    root: dict[str, Any] = {}
    for path, value in fields.items():
        node: Any = root
        for part, following in zip(path, (*path[1:], None), strict=True):
            if following is None:
                node[part] = copy.deepcopy(value)
            elif isinstance(part, tuple):
                item = next((one for one in node if all(one.get(k) == v for k, v in part)), None)
                if item is None:
                    item = dict(part)
                    node.append(item)
                node = item
            else:
                node = node.setdefault(part, [] if isinstance(following, tuple) else {})
    return root
