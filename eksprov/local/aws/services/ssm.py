"""SSM: the public parameters in which AWS names node images; all else is moto's own parameter store.

The newest release of a node image is one for each Kubernetes version here, whatever its kind: the one that a node group
gets that asks for none. Older ones have parameters with their image's id: here there is one for each day of the year
of the newest, and one for each version of Bottlerocket. Where the names are from:
`eksprov.steps.node_groups.releases`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm.responses import SimpleSystemManagerResponse

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.eks.nodes.nodegroups import is_published, release_version
from eksprov.local.aws.eks.versions import NAMES
from eksprov.local.aws.refusal import Refusal

AT_ONCE = 10  # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
RELEASES = re.compile(
    r"/aws/service/(?:eks/optimized-ami/(?P<al>[0-9.]+)/amazon-linux-2023/(?:x86_64|arm64)/(?:standard|nvidia|neuron)"
    r"/recommended/release_version|bottlerocket/aws-k8s-(?P<bottlerocket>[0-9.]+)(?:-nvidia)?/(?:x86_64|arm64)"
    r"/latest/image_version)"
)
IMAGES = re.compile(
    r"/aws/service/(?:eks/optimized-ami/(?P<al>[0-9.]+)/amazon-linux-2023/(?P<kind>(?:x86_64|arm64)/(?:standard|nvidia"
    r"|neuron))/amazon-eks-node-al2023-(?P<named>[a-z0-9_-]+)-(?P=al)-v(?P<day>\d{8})"
    r"|bottlerocket/aws-k8s-(?P<bottlerocket>[0-9.]+)(?:-nvidia)?/(?:x86_64|arm64)/1\.\d+\.\d+)/image_id"
)


class LocalSsmResponse(LocalResponse, SimpleSystemManagerResponse):
    """Answers every request to SSM."""

    def get_parameters(self) -> ActionResult:
        """GetParameters: those that there are, and the names of the others."""
        names = list(dict.fromkeys(self._get_param("Names")))
        if len(names) > AT_ONCE:
            raise Refusal("ValidationException", f"Member must have length less than or equal to {AT_ONCE}")
        ours = {name: value for name in names if (value := _release(name))}
        answer: Any = super().get_parameters().result
        known = [self._shape(name, value) for name, value in ours.items()]
        return ActionResult(
            {
                "Parameters": [*answer["Parameters"], *known],
                "InvalidParameters": [name for name in answer["InvalidParameters"] if name not in ours],
            }
        )

    def get_parameter(self) -> Any:
        name = self._get_param("Name")
        value = _release(name)
        return ActionResult({"Parameter": self._shape(name, value)}) if value else super().get_parameter()

    def _shape(self, name: str, value: str) -> dict[str, Any]:
        arn = f"arn:{self.partition}:ssm:{self.region}::parameter{name}"
        return {"Name": name, "Type": "String", "Value": value, "Version": 1, "ARN": arn, "DataType": "text"}


def _release(name: str) -> str:
    """The release that a parameter names; empty where it is not one of these."""
    found = RELEASES.fullmatch(name)
    version = (found["al"] or found["bottlerocket"]) if found else ""
    return release_version(version) if version in NAMES else _image(name)


def _image(name: str) -> str:
    """The id of the image that a parameter names; empty where there never was such a release."""
    found = IMAGES.fullmatch(name)
    if found is None or (found["al"] or found["bottlerocket"]) not in NAMES:
        return ""
    if found["day"] and (found["named"] != found["kind"].replace("/", "-") or not is_published(found["day"])):
        return ""
    return f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
