"""What EKS Auto Mode does not do by itself: without this ConfigMap its nodes enforce no NetworkPolicy. Pure.

https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html. The add-on vpc-cni brings an object of the same
name, so where that is, or still is, this one is left out. Once made it stays: the add-on would not bring a deleted one
back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from eksprov.controllers.parts import ControllerFacts, as_steps, meta, step_name
from eksprov.kube.objects import KubeObject

NAME: Final = "auto-mode"
PART: Final = "network-policy"


def network_policies(
    facts: ControllerFacts, *, auto_mode: bool, cni: bool, recorded: Collection[str]
) -> tuple[KubeObject, ...]:
    """Its one step. `cni`: whether the config has the VPC CNI; `recorded` are the steps that have been made."""
    made = step_name(NAME, PART) in recorded
    if not made and (not auto_mode or cni or "addon/vpc-cni" in recorded):
        return ()
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(facts, NAME, "amazon-vpc-cni"),
        "data": {"enable-network-policy-controller": "true"},
    }
    return as_steps(facts, NAME, {PART: manifest})
