"""What the config names and does not make: looked up in the account before anything is created.

`LOOK_UPS` is the table: a key of the config, who looks its values up, and the steps that would fail on a wrong one. A
key that names something must be in it or in `ELSEWHERE`; one whose value is the user's own choice is in `CHOSEN`. A
test walks the schema, so a new key cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.config.schema import Config
from eksprov.preflight import lookups
from eksprov.preflight.findings import Finding, unknown
from eksprov.preflight.lookups import Asked
from eksprov.steps.addons.roles import role_step
from eksprov.steps.catalog import access_name

Steps = Callable[[Any, str], tuple[str, ...]]


@dataclass(frozen=True)
class LookUp:
    """`name` is the finding's; `ask` gives message and cure of what is wrong, or None; `steps` what waits for it.

    `steps` gets the section that the value stands in and the value; without any, the value counts for every run that
    makes something. `level` is that of a finding of something that is about to be made.
    """

    name: str
    ask: Callable[[Asked], tuple[str, str] | None]
    steps: Steps = lambda _section, _value: ()
    level: str = "error"


@dataclass(frozen=True)
class NamedInConfig:
    """One value of the config: its key in the schema, its place in the file, and the section that it stands in."""

    key: str
    at: str
    value: str
    section: Any


def _group(group: Any, _value: str) -> tuple[str, ...]:
    return (f"node-group/{group.name}", f"launch-template/{group.name}")


def _addon(addon: Any, _value: str) -> tuple[str, ...]:
    return (f"addon/{addon.name}",)


def _addon_role(addon: Any, _value: str) -> tuple[str, ...]:
    return (role_step(addon.name),)


LOOK_UPS: Final[Mapping[str, LookUp]] = {
    "network.endpoints[]": LookUp(
        "endpoint-service", lookups.endpoint_service, lambda _, value: (f"vpc-endpoint/{value}",)
    ),
    "network.exclude_zone_ids[]": LookUp("zone", lookups.zone, level="warning"),
    "cluster.kms_key": LookUp("kms-key", lookups.key, lambda _section, _value: ("cluster",)),
    "access[].principal_arn": LookUp("principal", lookups.principal, lambda _, value: (access_name(value),)),
    "node_groups[].disk_kms_key_arn": LookUp("kms-key", lookups.key, _group),
    "node_groups[].release_version": LookUp("node-release", lookups.release, _group),
    "node_pools[].ami_version": LookUp("node-release", lookups.image),
    "node_pools[].zone_ids[]": LookUp("zone", lookups.zone),
    "addons[].pod_identity_roles{}": LookUp("principal", lookups.principal, _addon),
    "addons[].service_account_role_arn": LookUp("principal", lookups.principal, _addon),
    "addons[].s3_buckets[]": LookUp("s3-bucket", lookups.bucket, _addon_role),
    "monitoring.alarm_topic_arn": LookUp("sns-topic", lookups.topic),
}
# Keys whose values are looked up by other parts, and which.
ELSEWHERE: Final[Mapping[str, str]] = {
    "region": "aws/regions.py, before the first call",
    "state": "state/s3_store.py, which opens it first of all",
    "kubernetes_version": "preflight/checks.py, kubernetes",
    "network.vpc_id": "steps/existing_network.py",
    "network.subnet_ids[]": "steps/existing_network.py",
    "network.public_subnet_ids[]": "steps/existing_network.py",
    "node_groups[].instance_types[]": "preflight/checks.py, instance_types and impossible",
    "node_groups[].fallbacks[].instance_types[]": "preflight/checks.py, impossible",
    "node_groups[].zone_ids[]": "preflight/checks.py, impossible: those of the stack's subnets",
    "node_groups[].fallbacks[].zone_ids[]": "preflight/checks.py, impossible",
    "node_groups[].capacity_reservation_id": "preflight/reserved.py and impossible",
    "node_pools[].instance_types[]": "steps/settled.py, a note: a pool launches what there is",
    "node_pools[].instance_families[]": "steps/settled.py, a note",
    "addons[].name": "steps/addon_checks.py",
    "addons[].version": "steps/addon_checks.py",
    "iam.permissions_boundary": "operations/given_roles.py, before the first create",
    "iam.roles.cluster": "operations/given_roles.py",
    "iam.roles.node": "operations/given_roles.py",
    "iam.roles.auto_node": "operations/given_roles.py",
    "iam.roles.vpc_cni": "operations/given_roles.py",
    "iam.roles.cluster_autoscaler": "operations/given_roles.py",
    "iam.roles.karpenter": "operations/given_roles.py",
    "models[].path": "config/rules/models.py",
    "models[].role_arn": "operations/given_roles.py",
}
# Values that name nothing that is there already.
CHOSEN: Final = frozenset(
    {
        "name",
        "iam.role_path",
        "network.vpc_cidr",
        "cluster.public_access_cidrs[]",
        "cluster.service_ipv4_cidr",
        "access[].kubernetes_groups[]",
        "access[].user_name",
        "access[].namespaces[]",
        "access[].policies[].namespaces[]",
        "node_groups[].name",
        "node_groups[].labels{}",
        "node_groups[].taints[].key",
        "node_groups[].taints[].value",
        "node_pools[].name",
        "node_pools[].labels{}",
        "node_pools[].taints[].key",
        "node_pools[].taints[].value",
        "monitoring.alarm_emails[]",
        "models[].name",
        "models[].namespace",
        "local.faults[]",
        "tags{}",
    }
)


def named_in(config: Config) -> Iterator[NamedInConfig]:
    """Every value of the config that is looked up here."""
    for key in LOOK_UPS:
        for at, section, value in _values(config, key.split("."), ""):
            if isinstance(value, str):
                yield NamedInConfig(key, at, value, section)


def references(
    asked: Asked, config: Config, due: Callable[[str], bool], *, all_of_them: bool = False
) -> Iterator[Finding]:
    """What is wrong with what the config names, for the steps that are `due`, or for all."""
    seen = dict[tuple[str, str], Any]()
    for one in named_in(config):
        look_up = LOOK_UPS[one.key]
        steps = look_up.steps(one.section, one.value)
        waiting = any(due(step) for step in steps) if steps else due("")
        if not (waiting or all_of_them):
            continue
        answer = _answer(asked, one, look_up, seen)
        if isinstance(answer, errors.EksprovError):
            yield unknown(look_up.name, f"{one.at}: whether {one.value} is there and fit", answer.message)
        elif answer is not None:
            level: Any = look_up.level if waiting else "warning"
            yield Finding(look_up.name, level, f"{one.at}: {answer[0]}", answer[1])


def _answer(asked: Asked, one: NamedInConfig, look_up: LookUp, seen: dict[tuple[str, str], Any]) -> Any:
    """Each value is asked for once, however often the config names it; a node group's release by the group."""
    key = (look_up.name, one.value if look_up.name != "node-release" else one.at)
    if key not in seen:
        try:
            with translated(f"look up {one.at}"):
                seen[key] = look_up.ask(asked.about(one.value, one.section))
        except errors.EksprovError as error:
            seen[key] = error
    return seen[key]


def _values(section: Any, path: Iterable[str], at: str) -> Iterator[tuple[str, Any, Any]]:
    """Place, section and value of everything under a key like "access[].principal_arn"."""
    first, *rest = path
    name, many, each = first.removesuffix("[]").removesuffix("{}"), first.endswith("[]"), first.endswith("{}")
    value, place = getattr(section, name), f"{at}.{name}".lstrip(".")
    if value is None:
        return
    if each:
        found = [(f"{place}.{key}", item) for key, item in value.items()]
    else:
        found = [(f"{place}[{number}]", item) for number, item in enumerate(value)] if many else [(place, value)]
    for where, item in found:
        if rest:
            yield from _values(item, rest, where)
        else:
            yield where, section, item
