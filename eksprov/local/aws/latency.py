"""How long AWS takes for what it does in the background, in seconds; the local world divides by its speed.

These are the usual durations, gathered from public logs and test runs of provisioning tools, among them
https://github.com/hashicorp/terraform/issues/20045 (NAT gateways),
https://github.com/hashicorp/terraform-provider-aws/issues/47133 (clusters),
https://github.com/awslabs/amazon-eks-ami/issues/1099 (nodes),
https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3214 (add-ons),
https://github.com/hashicorp/terraform-provider-aws/pull/40371 (updates).
Those marked "assumed" have no published source.
"""

from __future__ import annotations

from typing import Final

LATENCY_S: Final = {
    "nat-create": 98.0,
    "nat-delete": 55.0,
    "nat-forget": 3600.0,  # a deleted gateway stays listed for about an hour
    "endpoint-create": 75.0,  # of an interface; assumed
    "endpoint-delete": 30.0,  # assumed
    "ipv6-range": 2.0,  # of a VPC; assumed
    "role-usable": 8.0,
    "cluster-create": 450.0,
    "cluster-delete": 120.0,
    "cluster-version": 600.0,
    "endpoint-update": 230.0,
    "logging-update": 45.0,
    "settings-update": 20.0,  # assumed
    "auto-mode-update": 60.0,  # assumed
    "nodegroup-create": 112.0,
    "nodegroup-create-gpu": 200.0,  # assumed
    "nodegroup-delete": 190.0,
    "nodegroup-update": 20.0,  # assumed
    "node-registers": 40.0,
    "node-replaced": 240.0,  # one by one in an update: started, joined, and the old one's pods gone; assumed
    "addon-create": 20.0,
    "addon-create-csi": 35.0,
    "addon-update": 20.0,
    "addon-delete": 10.0,  # assumed
    "encryption-update": 600.0,  # assumed
    "queue-name-rests": 60.0,
    "insights-refresh": 60.0,  # assumed
}

# Deadlines are not divided by the speed: they wait for processes that run at the speed of this machine.
ADDON_DEGRADED_AFTER_S: Final = 1200.0
NODES_MISSING_AFTER_S: Final = 1440.0
