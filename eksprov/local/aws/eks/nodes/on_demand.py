"""The instances behind nodes on demand: what EC2 has, what EKS Auto Mode or Karpenter launches, and how it ends.

The cluster's side says which types would do and in which zones; here the first that EC2 has is launched, with the tags
that tell whose it is: https://karpenter.sh/docs/concepts/nodeclasses/#spectags and, of Auto Mode's,
https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html#tag-prop. Auto Mode's instances go with the
cluster, or when it is switched off; those of Karpenter are nobody's once Karpenter is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eksprov.local.aws.ec2.capacity import ON_DEMAND, SPOT
from eksprov.local.aws.eks import access
from eksprov.local.aws.eks.model import Cluster
from eksprov.local.aws.eks.nodes import supply
from eksprov.local.aws.eks.nodes.kinds import kind_of
from eksprov.local.aws.eks.nodes.templates import EKS_METADATA
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.iam import service_roles
from eksprov.local.contract import NodeSpec, NodeWish, Offers

POOL, CLAIM = "karpenter.sh/nodepool", "karpenter.sh/nodeclaim"
AUTO_POOL = "eks:kubernetes-node-pool-name"
IMAGE = "ami-0abcdef1234567890"  # moto looks none up


def offers(region: EksRegion) -> Offers:
    """Every type offered in the region, bare metal aside, and its zones."""
    offered = {one["InstanceType"] for one in region.ec2.describe_instance_type_offerings(location_type="region")}
    every = region.ec2.describe_instance_types()
    kinds = tuple(kind_of(one) for one in every if one["InstanceType"] in offered and not one["BareMetal"])
    return Offers(kinds, {zone.name: zone.zone_id for zone in region.ec2.describe_availability_zones()})


def launch(region: EksRegion, cluster: Cluster, wish: NodeWish) -> NodeSpec | None:
    """An instance for the wish; None where EC2 has none."""
    found = next((i for i in _running(region) if getattr(i, "claim", "") == wish.claim), None)
    if found is None:
        place = _place(region, cluster, wish) if _may_start(region, cluster, wish) else None
        if place is None:
            return None
        found = _start(region, cluster, wish, *place)
    spec = _spec(region, wish, found)
    cluster.on_demand[str(found.id)] = spec.name
    return spec


def _may_start(region: EksRegion, cluster: Cluster, wish: NodeWish) -> bool:
    """Whether it would become a node: one that cannot join is ended again at once, so here it does not start.

    Without its service-linked role there is no Spot; Auto Mode makes the role, Karpenter is refused
    (https://karpenter.sh/docs/troubleshooting/#missing-service-linked-role).
    """
    if wish.spot and wish.manager == "auto":
        service_roles.make(region.iam, service_roles.SPOT)
    role = cluster.shape["computeConfig"].get("nodeRoleArn", "") if wish.manager == "auto" else ""
    if role and not access.lets_in(region, cluster, role):
        return False
    return not wish.spot or service_roles.there(region.iam, service_roles.SPOT)


def terminate(region: EksRegion, cluster: Cluster, name: str) -> None:
    """End the instance of that node."""
    for instance_id in [key for key, node in cluster.on_demand.items() if node == name]:
        del cluster.on_demand[instance_id]
        _end(region, [instance_id])


def reconcile(region: EksRegion, cluster: Cluster) -> None:
    """A node whose instance is no longer there goes."""
    running = {str(instance.id) for instance in _running(region)} if cluster.on_demand else set()
    gone = [key for key in cluster.on_demand if key not in running]
    names = tuple(cluster.on_demand.pop(key) for key in gone)
    if names:
        region.account.kubernetes.remove_nodes(cluster.arn, names)


def end_auto(region: EksRegion, cluster: Cluster) -> None:
    """Auto Mode's instances of the cluster go, as when it is switched off or the cluster deleted."""
    _end(region, _auto(region, cluster))


def has_auto(region: EksRegion, cluster: Cluster) -> bool:
    """Whether any instance of Auto Mode runs in the cluster."""
    return bool(_auto(region, cluster))


def _auto(region: EksRegion, cluster: Cluster) -> list[str]:
    running = [one for one in _running(region) if str(one.id) in cluster.on_demand]
    return [str(one.id) for one in running if AUTO_POOL in dict(_tags(one))]


def _end(region: EksRegion, ids: list[str]) -> None:
    running = {str(instance.id) for instance in _running(region)}
    if ids := [one for one in ids if one in running]:
        region.ec2.terminate_instances(ids)


def _running(region: EksRegion) -> Iterator[Any]:
    for reservation in region.ec2.reservations.values():
        yield from (one for one in reservation.instances if one.state == "running")


def _tags(instance: Any) -> Iterator[tuple[str, str]]:
    for tag in instance.get_tags():
        yield tag["key"], tag["value"]


def _subnets(region: EksRegion, cluster: Cluster, wish: NodeWish) -> list[Any]:
    """Those that the node class selects, or the cluster's, in the zones that fit."""
    every = [subnet for zone in region.ec2.subnets.values() for subnet in zone.values()]
    terms = wish.subnets or [{"id": one} for one in cluster.shape["resourcesVpcConfig"]["subnetIds"]]
    found = [one for one in every if any(_selected(one, term) for term in terms)]
    return [one for one in found if not wish.zones or one.availability_zone in wish.zones]


def _selected(subnet: Any, term: Mapping[str, Any]) -> bool:
    if "id" in term:
        return bool(subnet.id == term["id"])
    tags = dict(_tags(subnet))
    return all(key in tags and value in ("*", tags[key]) for key, value in term["tags"].items())


def _place(region: EksRegion, cluster: Cluster, wish: NodeWish) -> tuple[str, Any] | None:
    """The type and the subnet: as in a fleet, the first type that any zone has."""
    buying, subnets = SPOT if wish.spot else ON_DEMAND, _subnets(region, cluster, wish)
    for name in wish.instance_types:
        for subnet in sorted(subnets, key=lambda one: -one.available_ip_address_count):
            zones = (subnet.availability_zone, subnet.availability_zone_id)
            if supply.refusal(region, name, zones, buying) is None:
                return name, subnet
    return None


def _start(region: EksRegion, cluster: Cluster, wish: NodeWish, kind: str, subnet: Any) -> Any:
    tags = {
        f"kubernetes.io/cluster/{cluster.name}": "owned",
        "eks:eks-cluster-name": cluster.name,
    }
    if wish.manager == "auto":  # AmazonEKSComputePolicy lets it write no other keys
        tags |= {AUTO_POOL: wish.pool, "eks:kubernetes-node-class-name": wish.node_class}
    else:
        tags |= {POOL: wish.pool, CLAIM: wish.claim, **wish.instance_tags}
    nic = {"DeviceIndex": 0, "DeleteOnTermination": True, "Groups": [cluster.security_group]}
    reservation = region.ec2.run_instances(
        IMAGE,
        1,
        None,
        [],
        instance_type=kind,
        is_instance_type_default=False,
        region_name=region.name,
        tags={"instance": tags, "volume": tags},
        metadata_options=EKS_METADATA,
        subnet_id=subnet.id,
        nics=[nic],
        lifecycle="spot" if wish.spot else None,
        associate_public_ip=None,
    )
    instance: Any = reservation.instances[0]
    instance.claim = wish.claim
    return instance


def _spec(region: EksRegion, wish: NodeWish, instance: Any) -> NodeSpec:
    kind = kind_of(region.ec2.describe_instance_types([instance.instance_type])[0])
    auto, zone_id = wish.manager == "auto", region.ec2.get_subnet(instance.subnet_id).availability_zone_id
    return NodeSpec(
        name=str(instance.id) if auto else instance.private_dns_name,
        instance_id=instance.id,
        provider_id=f"aws:///{instance.availability_zone}/{instance.id}",
        private_ip=instance.private_ip,
        region=region.name,
        zone=instance.availability_zone,
        instance_type=kind.name,
        architecture=kind.architecture,
        vcpus=kind.vcpus,
        memory_mib=kind.memory_mib,
        disk_gib=wish.disk_gib,
        max_pods=kind.max_pods,
        complete=auto,
        gpus=kind.gpus,
        neuron_devices=kind.neuron_devices,
        plugins=wish.plugins,
        labels={**wish.labels, "topology.k8s.aws/zone-id": zone_id},
        taints=wish.taints,
    )
