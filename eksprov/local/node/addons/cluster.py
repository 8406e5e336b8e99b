"""coredns, the pod identity agent, metrics-server, the node monitoring agent."""

from __future__ import annotations

from eksprov.local.contract import AddonSpec, Json
from eksprov.local.node.addons import parts
from eksprov.local.node.addons.parts import Place

COREFILE = """\
.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}
"""


def coredns(addon: AddonSpec, place: Place) -> list[Json]:
    """Deployment coredns behind the Service kube-dns."""
    labels = {"eks.amazonaws.com/component": "coredns", "k8s-app": "kube-dns"}
    resources = {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}}
    ports = [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        {"name": "metrics", "containerPort": 9153, "protocol": "TCP"},
    ]
    image = place.image("eks/coredns", addon.version)
    pod = {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "containers": [parts.container("coredns", image, "100m", ports=ports) | {"resources": resources}],
    }
    exposed = [
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
        {"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153},
    ]
    address = {"clusterIP": place.dns_address, "ports": exposed}
    rules = [
        parts.rule("core", "endpoints services pods namespaces", "list watch"),
        parts.rule("discovery.k8s.io", "endpointslices", "list watch"),
    ]
    return [
        parts.account("coredns", addon),
        *parts.rights("system:coredns", "coredns", rules),
        parts.config_map("coredns", addon, {"Corefile": str(addon.configuration.get("corefile", COREFILE))}),
        parts.service(addon, "kube-dns", {"k8s-app": "kube-dns"}, address),
        parts.deployment(addon, "coredns", labels, pod),
        parts.budget(addon, "coredns", labels),
    ]


def pod_identity_agent(addon: AddonSpec, place: Place) -> list[Json]:
    """DaemonSet eks-pod-identity-agent, on the host's network."""
    ports = [{"name": "proxy", "containerPort": 80}, {"name": "probes-port", "containerPort": 2703}]
    image = place.image("eks/eks-pod-identity-agent", addon.version)
    pod = {
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 30,
        "tolerations": parts.ANYWHERE,
        "initContainers": [parts.container("eks-pod-identity-agent-init", image, "10m")],
        "containers": [parts.container("eks-pod-identity-agent", image, "10m", ports=ports)],
    }
    labels = {"app.kubernetes.io/instance": "eks-pod-identity-agent", "k8s-app": "eks-pod-identity-agent"}
    return [parts.daemon_set(addon, "eks-pod-identity-agent", labels, pod)]


def metrics_server(addon: AddonSpec, place: Place) -> list[Json]:
    """Deployment and Service metrics-server; its APIService is left out (see the package's docstring)."""
    labels = {"app.kubernetes.io/instance": "metrics-server", "k8s-app": "metrics-server"}
    resources = {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"memory": "400Mi"}}
    image = place.image("eks/metrics-server", addon.version)
    one = parts.container("metrics-server", image, "100m", ports=[{"name": "https", "containerPort": 10251}])
    pod = {"serviceAccountName": "metrics-server", "containers": [one | {"resources": resources}]}
    exposed = {"ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}]}
    rules = [
        parts.rule("core", "nodes/metrics", "get"),
        parts.rule("core", "pods nodes namespaces configmaps", "get list watch"),
    ]
    return [
        parts.account("metrics-server", addon),
        *parts.rights("system:metrics-server", "metrics-server", rules),
        parts.service(addon, "metrics-server", labels, exposed),
        parts.deployment(addon, "metrics-server", labels, pod),
        parts.budget(addon, "metrics-server", labels),
    ]


def node_monitoring_agent(addon: AddonSpec, place: Place) -> list[Json]:
    image = place.image("eks/eks-node-monitoring-agent", addon.version)
    pod = {
        "serviceAccountName": "eks-node-monitoring-agent",
        "hostNetwork": True,
        "tolerations": parts.ANYWHERE,
        "containers": [parts.container("eks-node-monitoring-agent", image, "10m")],
    }
    labels = {"app.kubernetes.io/instance": "eks-node-monitoring-agent", "k8s-app": "eks-node-monitoring-agent"}
    return [
        parts.account("eks-node-monitoring-agent", addon),
        parts.daemon_set(addon, "eks-node-monitoring-agent", labels, pod),
    ]
