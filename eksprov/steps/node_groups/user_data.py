"""User data of nodes on EKS's own images: only what EKS does not decide better by itself. Pure.

EKS adds its own part, which joins the node to the cluster: to a MIME multipart document on Amazon Linux 2023, whose
parts of type application/node.eks.aws nodeadm merges (https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/examples/),
and to TOML settings on Bottlerocket (https://bottlerocket.dev/en/os/latest/#/api/settings/kubernetes/). Where there is
nothing to say there is no user data.
"""

from __future__ import annotations

BOUNDARY = "eksprov"


def user_data(family: str, *, max_pods: int | None, local_storage: str) -> str:
    """The text for this operating system ("al2023" or "bottlerocket"); empty when EKS's defaults are wanted."""
    if family == "bottlerocket":
        return f"[settings.kubernetes]\nmax-pods = {max_pods}\n" if max_pods else ""
    lines = []
    if max_pods:
        lines += ["  kubelet:", "    config:", f"      maxPods: {max_pods}"]
    if local_storage == "raid0":
        lines += ["  instance:", "    localStorage:", "      strategy: RAID0"]
    if not lines:
        return ""
    node_config = ["apiVersion: node.eks.aws/v1alpha1", "kind: NodeConfig", "spec:", *lines]
    return "\n".join(
        (
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"',
            "",
            f"--{BOUNDARY}",
            "Content-Type: application/node.eks.aws",
            "",
            "---",
            *node_config,
            "",
            f"--{BOUNDARY}--",
            "",
        )
    )
