"""The CloudWatch agent's add-on: its two DaemonSets, in kube-system like all others here.

On EKS they live in a namespace of their own, amazon-cloudwatch, under an operator that is left out. Names follow
https://github.com/aws-observability/helm-charts/tree/main/charts/amazon-cloudwatch-observability.
"""

from __future__ import annotations

from eksprov.local.contract import AddonSpec, Json
from eksprov.local.node.addons import parts
from eksprov.local.node.addons.parts import Place


def cloudwatch(addon: AddonSpec, place: Place) -> list[Json]:
    return [
        parts.account("cloudwatch-agent", addon),
        *(
            parts.daemon_set(
                addon,
                name,
                {"app": name},
                {
                    "serviceAccountName": "cloudwatch-agent",
                    "tolerations": parts.ANYWHERE,
                    "containers": [parts.container(name, place.image(repository, addon.version), "10m")],
                },
            )
            for name, repository in (("cloudwatch-agent", "cloudwatch-agent"), ("fluent-bit", "aws-for-fluent-bit"))
        ),
    ]
