"""vpc-cni and kube-proxy."""

from __future__ import annotations

from eksprov.local.contract import AddonSpec, Json
from eksprov.local.node.addons import parts
from eksprov.local.node.addons.parts import Place


def vpc_cni(addon: AddonSpec, place: Place) -> list[Json]:
    """DaemonSet aws-node: the CNI and the agent of network policies."""
    policies = str(addon.configuration.get("enableNetworkPolicy", "false")).lower() == "true"
    values = {"CLUSTER_NETWORK": "aws-vpc-cni", "NETWORK_POLICY_ENFORCING_MODE": "standard"}
    values |= {str(key): str(value) for key, value in dict(addon.configuration.get("env", {})).items()}
    env: list[Json] = [{"name": name, "value": value} for name, value in sorted(values.items())]
    env.append({"name": "MY_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}})
    agent = place.image("amazon/aws-network-policy-agent", addon.version)
    pod = {
        "serviceAccountName": "aws-node",
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 10,
        "tolerations": parts.ANYWHERE,
        "initContainers": [
            parts.container("aws-vpc-cni-init", place.image("amazon-k8s-cni-init", addon.version), "25m")
        ],
        "containers": [
            parts.container("aws-node", place.image("amazon-k8s-cni", addon.version), "25m", env=env),
            parts.container("aws-eks-nodeagent", agent, "25m", args=[f"--enable-network-policy={policies}".lower()]),
        ],
    }
    rules = [
        parts.rule("crd.k8s.amazonaws.com", "eniconfigs", "list watch get"),
        parts.rule("core", "namespaces pods", "list watch get"),
        parts.rule("core", "nodes", "list watch get update"),
        parts.rule("core events.k8s.io", "events", "create patch list"),
        parts.rule("networking.k8s.aws", "policyendpoints policyendpoints/status", "get list watch"),
    ]
    config = {"enable-network-policy-controller": str(policies).lower(), "enable-windows-ipam": "false"}
    return [
        parts.account("aws-node", addon),
        *parts.rights("aws-node", "aws-node", rules),
        parts.config_map("amazon-vpc-cni", addon, config),
        parts.daemon_set(addon, "aws-node", {"k8s-app": "aws-node"}, pod),
    ]


def kube_proxy(addon: AddonSpec, place: Place) -> list[Json]:
    pod = {
        "serviceAccountName": "kube-proxy",
        "hostNetwork": True,
        "tolerations": parts.ANYWHERE,
        "containers": [parts.container("kube-proxy", place.image("eks/kube-proxy", addon.version), "100m")],
    }
    mode = str(addon.configuration.get("mode", "iptables"))
    config = f"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: {mode}\n"
    return [
        parts.account("kube-proxy", addon),
        parts.bound("eks:kube-proxy", "system:node-proxier", "kube-proxy"),
        parts.config_map("kube-proxy-config", addon, {"config": config}),
        parts.daemon_set(addon, "kube-proxy", {"k8s-app": "kube-proxy"}, pod),
    ]
