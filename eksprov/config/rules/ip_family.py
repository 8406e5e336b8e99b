"""Rules of `network.ip_family`: what does not go with IPv6, and what goes with nothing else.

https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html,
https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html and, for the endpoint,
https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigRequest.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eksprov.config.rules.base import Finding, finding
from eksprov.config.schema import Config

_AT: Final = ("network", "ip_family")
_FSX: Final = "aws-fsx-csi-driver"
_CUSTOM_NETWORKING: Final = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG"


def ip_family(config: Config) -> Iterator[Finding]:
    """What EKS would refuse, or what would not work on nodes."""
    if config.network.ipv6:
        yield from _ipv6(config)
        return
    for index, text in enumerate(config.cluster.public_access_cidrs):
        if ":" in text:
            at = ("cluster", "public_access_cidrs", index)
            yield finding(f"{text}: the endpoint of an ipv4 cluster has no IPv6 address", at, _AT)


def _ipv6(config: Config) -> Iterator[Finding]:
    if config.region.startswith("cn-"):
        yield finding("EKS has no ipv6 clusters in China", _AT, ("region",), hint="use ipv4")
    if "service_ipv4_cidr" in config.cluster.model_fields_set:
        message = "EKS chooses the range of an ipv6 cluster's Services by itself"
        yield finding(message, ("cluster", "service_ipv4_cidr"), _AT, hint="leave it out")
    for index, addon in enumerate(config.addons):
        if addon.name == _FSX:
            yield finding("FSx for Lustre does not work in ipv6 clusters", ("addons", index, "name"), _AT)
        env = addon.configuration.get("env")
        if isinstance(env, dict) and str(env.get(_CUSTOM_NETWORKING)).lower() == "true":
            message = "the CNI's custom networking does not work in ipv6 clusters"
            yield finding(message, ("addons", index, "configuration"), _AT)
