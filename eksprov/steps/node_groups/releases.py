"""Which release of a node image is the newest for a Kubernetes version, as AWS publishes it in SSM parameters.

Amazon Linux 2023: https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html, whose parameters hold the
release beside the image's id (https://github.com/awslabs/amazon-eks-ami/issues/423). Bottlerocket:
https://bottlerocket.dev/en/os/latest/#/install/quickstart/aws/, where EKS calls the image's version its release
(https://github.com/eksctl-io/eksctl/issues/4423).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eksprov.aws.faults import translated
from eksprov.aws.session import Aws

_AL2023 = "/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{kind}/recommended/release_version"
_BOTTLEROCKET = "/aws/service/bottlerocket/aws-k8s-{version}{kind}/latest/image_version"
PARAMETERS: Mapping[str, tuple[str, str]] = {
    "AL2023_x86_64_STANDARD": (_AL2023, "x86_64/standard"),
    "AL2023_ARM_64_STANDARD": (_AL2023, "arm64/standard"),
    "AL2023_x86_64_NVIDIA": (_AL2023, "x86_64/nvidia"),
    "AL2023_ARM_64_NVIDIA": (_AL2023, "arm64/nvidia"),
    "AL2023_x86_64_NEURON": (_AL2023, "x86_64/neuron"),
    "BOTTLEROCKET_x86_64": (_BOTTLEROCKET, "/x86_64"),
    "BOTTLEROCKET_ARM_64": (_BOTTLEROCKET, "/arm64"),
    "BOTTLEROCKET_x86_64_NVIDIA": (_BOTTLEROCKET, "-nvidia/x86_64"),
    "BOTTLEROCKET_ARM_64_NVIDIA": (_BOTTLEROCKET, "-nvidia/arm64"),
}
AT_ONCE = 10  # names that GetParameters takes


def parameter(ami_type: str, kubernetes: str) -> str:
    """The parameter's name; empty for an image that has none we know of."""
    if ami_type not in PARAMETERS:
        return ""
    pattern, kind = PARAMETERS[ami_type]
    return pattern.format(version=kubernetes, kind=kind)


def image_parameter(ami_type: str, kubernetes: str, version: str) -> str:
    """The name of the parameter that holds the id of a published image: `version` like "v20260801" or "1.30.0".

    `ami_type` is one of `PARAMETERS`.
    """
    pattern, kind = PARAMETERS[ami_type]
    if pattern == _BOTTLEROCKET:
        return f"/aws/service/bottlerocket/aws-k8s-{kubernetes}{kind}/{version}/image_id"
    name = f"amazon-eks-node-al2023-{kind.replace('/', '-')}-{kubernetes}-{version}"
    return f"/aws/service/eks/optimized-ami/{kubernetes}/amazon-linux-2023/{kind}/{name}/image_id"


def newest_releases(aws: Aws, ami_types: Iterable[str], kubernetes: str) -> dict[str, str]:
    """The newest release of each image type, where AWS publishes one."""
    wanted = {kind: name for kind in dict.fromkeys(ami_types) if (name := parameter(kind, kubernetes))}
    names, found = sorted(wanted.values()), dict[str, str]()
    for start in range(0, len(names), AT_ONCE):
        with translated("read the newest node images"):
            answer = aws.clients.ssm.get_parameters(Names=names[start : start + AT_ONCE])
        found |= {one["Name"]: one["Value"] for one in answer["Parameters"]}
    return {kind: found[name] for kind, name in wanted.items() if name in found}
