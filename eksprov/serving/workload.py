"""A model's Deployment: an init container fetches the files, the server serves them from a read-only volume. Pure.

Draining: a pod that is to end first leaves the endpoints, waits `drain_s` so that callers notice, then gets SIGTERM and
finishes what it has, for `predict_timeout_s` at most; the grace period is longer than both together (`server_drain_s`
is what the runtime itself needs). Replaced pods are surged: a new one is ready before an old one goes. `spec.replicas`
is never sent, because the autoscaler owns it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from eksprov.serving.runtimes.base import Runtime
from eksprov.serving.spec import FETCH_MEMORY_MIB, SCRATCH_MIB, ModelSpec

# The public AWS CLI image, by exact version (https://gallery.ecr.aws/aws-cli/aws-cli; its entrypoint is `aws`,
# https://github.com/aws/aws-cli/blob/2.32.13/docker/Dockerfile). No digest has been resolved from the registry.
FETCH_IMAGE: Final = "public.ecr.aws/aws-cli/aws-cli:2.32.13"
FETCH_CONTAINER: Final = "fetch-model"
SERVER_CONTAINER: Final = "server"
REVISION: Final = "eksprov.dev/revision"
MODEL_DIGEST: Final = "eksprov.dev/model-digest"  # the annotation that names the contents a Deployment is to serve
STARTUP_PERIOD_S: Final = 2
GRACE_MARGIN_S: Final = 10
HUNG_AFTER: Final = 3  # health checks in a row, each of the longest prediction: as many may wait for the server at once
# A rollout is given this long beyond the model's own start: a new node (2 to 4 min) and an image pull come before it.
NODE_AND_PULL_S: Final = 600


def deployment(spec: ModelSpec, labels: Mapping[str, str]) -> dict[str, Any]:
    """The Deployment; its pods carry `labels` and the revision, a hash of everything that makes a pod new."""
    template = _template(spec, dict(labels))
    revision = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:12]
    marks = {REVISION: revision, "app.kubernetes.io/version": spec.digest[:12]}
    template["metadata"]["labels"] |= marks
    matched = {key: labels[key] for key in ("app.kubernetes.io/name", "eksprov.dev/stack")}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": spec.name,
            "namespace": spec.namespace,
            "labels": {**labels, **marks},
            "annotations": _provenance(spec),
        },
        "spec": {
            "selector": {"matchLabels": matched},
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": spec.model.startup_timeout_s + NODE_AND_PULL_S,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": template,
        },
    }


def _provenance(spec: ModelSpec) -> dict[str, str]:
    return {MODEL_DIGEST: spec.digest, "eksprov.dev/source": spec.source}


def _template(spec: ModelSpec, labels: dict[str, str]) -> dict[str, Any]:
    drain_s, runtime = spec.model.drain_s, spec.runtime
    volumes = [
        {"name": "model", "emptyDir": {"sizeLimit": f"{spec.model_volume_mib}Mi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": f"{SCRATCH_MIB}Mi"}},
    ]
    return {
        "metadata": {"labels": labels, "annotations": _provenance(spec)},
        "spec": {
            "serviceAccountName": spec.name,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": drain_s + _finishing_s(spec) + GRACE_MARGIN_S,
            "securityContext": _pod_security(runtime),
            "topologySpreadConstraints": [_spread(key, labels) for key in ("topology.kubernetes.io/zone", HOSTNAME)],
            **_architecture(runtime),
            "initContainers": [_fetch(spec)],
            "containers": [_server(spec)],
            "volumes": volumes,
        },
    }


HOSTNAME: Final = "kubernetes.io/hostname"
ARCHITECTURE: Final = "kubernetes.io/arch"


def _architecture(runtime: Runtime) -> dict[str, Any]:
    """Nodes that the server's image runs on; the AWS CLI's is for amd64 and arm64
    (https://gallery.ecr.aws/aws-cli/aws-cli)."""
    values = sorted(runtime.architectures)
    if len(values) == 1:
        return {"nodeSelector": {ARCHITECTURE: values[0]}}
    term = {"matchExpressions": [{"key": ARCHITECTURE, "operator": "In", "values": values}]}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    }


def _spread(key: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Apart where possible, each revision by itself; a full zone must not keep a replica from starting."""
    return {
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "maxSkew": 1,
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": labels["app.kubernetes.io/name"]}},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _pod_security(runtime: Runtime) -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": runtime.uid,
        "runAsGroup": runtime.uid,
        "fsGroup": runtime.uid,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container_security() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _fetch(spec: ModelSpec) -> dict[str, Any]:
    """Copy the model from the bucket with the pod's own role; what it says when it fails becomes the pod's status."""
    region = [{"name": name, "value": spec.stack.region} for name in ("AWS_REGION", "AWS_DEFAULT_REGION")]
    return {
        "name": FETCH_CONTAINER,
        "image": FETCH_IMAGE,
        "args": ["s3", "sync", "--no-progress", spec.source, spec.runtime.models_dir],
        # The CLI keeps its caches below HOME, and the root file system is read-only.
        "env": [{"name": "HOME", "value": "/tmp"}, *region],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": f"{spec.ephemeral_mib}Mi"},
            "limits": {"memory": f"{FETCH_MEMORY_MIB}Mi", "ephemeral-storage": f"{spec.ephemeral_mib}Mi"},
        },
        "securityContext": _container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "model", "mountPath": spec.runtime.models_dir}, {"name": "tmp", "mountPath": "/tmp"}],
    }


def _environment(spec: ModelSpec) -> list[dict[str, Any]]:
    """The runtime's variables. With IPv6 the server listens at the pod's own name, which the kubelet makes the pod's
    address: a wildcard of IPv6 is written in one way for some servers' HTTP port and in another for their gRPC port."""
    plain = {**spec.runtime.env}
    if not spec.stack.ipv6:
        return [{"name": name, "value": value} for name, value in plain.items()]
    plain[spec.runtime.host_variable] = "$(POD_NAME)"
    own = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    return [own, *({"name": name, "value": value} for name, value in plain.items())]


def _server(spec: ModelSpec) -> dict[str, Any]:
    """The model server. CPU is requested, not limited: a limit would throttle it beside idle cores."""
    runtime, memory = spec.runtime, f"{spec.model.memory_mib}Mi"
    ports = (("http", runtime.http_port), ("grpc", runtime.grpc_port), ("metrics", runtime.metrics_port))
    container: dict[str, Any] = {
        "name": SERVER_CONTAINER,
        "image": runtime.image,
        "env": [{"name": "HOME", "value": "/tmp"}, *_environment(spec)],
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports],
        "resources": {
            "requests": {
                "cpu": f"{math.ceil(spec.model.cpu * 1000)}m",
                "memory": memory,
                "ephemeral-storage": f"{spec.ephemeral_mib}Mi",
            },
            "limits": {"memory": memory, "ephemeral-storage": f"{spec.ephemeral_mib}Mi"},
        },
        "securityContext": _container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "model", "mountPath": runtime.models_dir, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
        **_probes(spec),
    }
    if spec.model.drain_s:  # a sleep of nothing needs Kubernetes 1.34
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": spec.model.drain_s}}}
    return container


def _finishing_s(spec: ModelSpec) -> int:
    """How long the server may need after SIGTERM: for the prediction that it is at, or for its own end."""
    return max(spec.runtime.server_drain_s, spec.model.predict_timeout_s)


def _probes(spec: ModelSpec) -> dict[str, Any]:
    """Start-up asks for the model itself and has the model's whole budget; what has started is then never taken for
    dead because it is busy.

    Where health checks wait until a prediction is over, readiness is a TCP connection, which the kernel takes while the
    server is busy, and a health check over HTTP may last as long as the longest prediction
    (https://github.com/kserve/kserve/issues/3950).
    """
    ready = {"path": spec.runtime.ready_path.format(model=spec.name), "port": "http"}
    live = {"path": spec.runtime.live_path, "port": "http"}
    return {
        "startupProbe": {
            "httpGet": ready,
            "periodSeconds": STARTUP_PERIOD_S,
            "timeoutSeconds": 2,
            "failureThreshold": math.ceil(spec.model.startup_timeout_s / STARTUP_PERIOD_S),
        },
        "readinessProbe": {
            **({"tcpSocket": {"port": "http"}} if spec.runtime.one_at_a_time else {"httpGet": ready}),
            "periodSeconds": 5,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
        },
        "livenessProbe": {
            "httpGet": live,
            "periodSeconds": 10,
            "timeoutSeconds": spec.model.predict_timeout_s,
            "failureThreshold": HUNG_AFTER,
        },
    }
