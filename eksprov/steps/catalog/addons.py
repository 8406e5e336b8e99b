"""The add-ons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.steps import roles
from eksprov.steps.addon import Addon
from eksprov.steps.catalog.names import CLUSTER, cluster_name
from eksprov.steps.choices import Choices

if TYPE_CHECKING:
    from eksprov.config.schema import Config


CNI, CNI_ACCOUNT = "vpc-cni", "aws-node"
ADDONS = (CNI, "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server")
# A NetworkPolicy means nothing until the CNI enforces it
# (https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html); the value is a string.
CONFIGURATION = {CNI: '{"enableNetworkPolicy":"true"}'}


def addons(config: Config, choices: Choices) -> Iterator[Addon]:
    """The five of every stack and those of the config."""
    versions = {addon.name: addon.version for addon in config.addons}
    nodes = any(group.desired_size for group in config.node_groups)
    for addon in dict.fromkeys((*ADDONS, *versions)):
        cni = addon == CNI
        yield Addon(
            name=f"addon/{addon}",
            slug=f"{cluster_name(config)}/{addon}",
            version=versions.get(addon),
            kubernetes_version=choices.kubernetes_version,
            configuration=CONFIGURATION.get(addon, "{}"),
            roles=((CNI_ACCOUNT, roles.VPC_CNI),) if cni else (),
            nodes_expected=nodes,
            awaits=tuple(f"node-group/{group.name}" for group in config.node_groups if group.desired_size),
            needs=(CLUSTER, roles.VPC_CNI) if cni else (CLUSTER,),
        )
