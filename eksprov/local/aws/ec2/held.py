"""What still holds a thing of EC2, so that it cannot go."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend


def is_held(ec2: EC2Backend, group_id: str) -> bool:
    """Whether a security group cannot go: an interface is in it, free ones too, or a rule of another names it."""
    others = (g for groups in ec2.groups.values() for g in groups.values() if g.id != group_id)
    refers = any(
        rule.source_group.get("GroupId") == group_id
        for group in others
        for rule in (*group.ingress_rules, *group.egress_rules)
    )
    return refers or any(group_id in {g.id for g in e.group_set} and is_used(e) for e in ec2.enis.values())


def is_used(interface: Any) -> bool:
    # moto leaves the interface of a terminated instance behind; AWS does not.
    return interface.instance is None or interface.instance.state != "terminated"
