"""What tells the Cluster Autoscaler of nodes that are not there yet, read with plain describe calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MARKS = ("k8s.io/cluster-autoscaler/node-template/", "eksprov:")


def _asg_tags(client: Any) -> Iterable[Any]:
    pages = client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate()
    for group in [group for page in pages for group in page["AutoScalingGroups"]]:
        tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
        ours = {key: value for key, value in tags.items() if key.startswith(MARKS)}
        if ours:
            yield {"group": tags.get("eks:nodegroup-name", ""), **ours}


READS: dict[str, Callable[[Any], Iterable[Any]]] = {"asg-tags": _asg_tags}
