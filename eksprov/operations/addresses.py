"""The family of a cluster's addresses before a run: a config that wants another one than the cluster has is refused.

The cluster itself would refuse it, but beside it the CNI's role would already have lost what the live cluster's CNI
works with (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html: the family cannot be changed).
"""

from __future__ import annotations

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.operations.stack import Opened
from eksprov.steps.cluster.reading import described_cluster

IPV4 = "ipv4"  # of clusters that were recorded before there was a choice


def refuse_another_family(opened: Opened) -> None:
    """By the record; where that is lost, by the cluster itself. Raises: UsageError naming key, value and cure."""
    have, want = _family(opened), opened.stack.config.network.ip_family
    if have and have != want:
        raise errors.UsageError(
            f"network.ip_family is {want}, but cluster {opened.stack.config.name!r} is {have}, which EKS never changes",
            f"set network.ip_family to {have} again, or tear down and provision anew",
        )


def _family(opened: Opened) -> str:
    record = opened.state.steps.get(opened.cluster.name)
    if record is not None:
        return record.outputs.get("ip_family", IPV4) if record.outputs.get("arn") else ""
    if not any(resource.owner.step == opened.cluster.name for resource in opened.resources):
        return ""
    with translated("read the family of the cluster's addresses"):
        cluster = described_cluster(opened.aws, opened.cluster.slug)
    return str(cluster["kubernetesNetworkConfig"]["ipFamily"]) if cluster else ""
