"""An IAM role that exists and is only used: read, checked, never made, tagged, changed or deleted.

What can be told by reading is checked: that it is there, under the path that its ARN says; that its trust lets the
service take it, with every action that is needed; that it has the managed policies which eksprov would have attached.
EKS itself looks for two of those and refuses a role without them (https://github.com/aws/containers-roadmap/issues/1610),
so they must be there; in place of the others a role may have policies of its own, whose contents IAM's simulator is
asked about where eksprov would have given an inline policy (`doubts`). The simulator knows neither session tags nor
what a bucket or key says, so what it answers is a warning and stops nothing
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, owner_of
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.convergence.external import External
from eksprov.core.names import last_part
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing
from eksprov.steps.absent import none_if
from eksprov.steps.identity.iam_role import GONE, IamRole, role_region
from eksprov.steps.identity.policy_json import canonical, statements

# What EKS looks for in a role's list of policies.
LOOKED_FOR = frozenset(
    {"AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy"},
)
# Policies that give what another gives, and more (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html).
PULLING = tuple(f"AmazonEC2ContainerRegistry{what}" for what in ("PullOnly", "ReadOnly", "PowerUser", "FullAccess"))
WORKING = ("AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy")
ALIKE: Mapping[str, tuple[str, ...]] = {name: group for group in (PULLING, WORKING) for name in group}
CONVENIENT = frozenset({"AmazonSSMManagedInstanceCore"})  # nothing of the stack fails without it


@dataclass(frozen=True)
class ExistingRoleFacts:
    """Only its ARN is wanted; `trust` is canonical, `policies` are the ARNs attached, `inline` the names of others."""

    arn: str
    trust: str = field(default="", compare=False)
    policies: frozenset[str] = field(default=frozenset(), compare=False)
    inline: tuple[str, ...] = field(default=(), compare=False)
    unique_id: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ExistingRole(External[Aws, ExistingRoleFacts]):
    """`slug` is the role's ARN; the rest is what a role that eksprov makes for the purpose would have.

    `root`: it must have no path.
    """

    kind: ClassVar[str] = "existing-role"
    # what is only used is not this stack's cost
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=0.1, delete_s=0.1)

    service: str = ""
    actions: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    inline: str = ""
    root: bool = False

    def desired(self, outputs: Outputs) -> ExistingRoleFacts:
        return ExistingRoleFacts(self.slug)

    def discover(self, aws: Aws, *, fresh: bool = False) -> ExistingRoleFacts | None:
        """Three readings, shared with the checks that come before the first create."""
        facts: ExistingRoleFacts | None = aws.listing(
            f"iam/{self.slug}", lambda: none_if(lambda: _read(aws, _name(self.slug)), GONE), fresh=fresh
        )
        return facts

    def phase(self, have: ExistingRoleFacts) -> Phase:
        """Failed where EKS, a node or a pod could not use it."""
        wrong = "; ".join(self.problems(have))
        return Phase(PhaseState.FAILED, wrong) if wrong else READY

    def outputs(self, have: ExistingRoleFacts) -> dict[str, str]:
        """The same as of a role that is made here."""
        return {"name": _name(have.arn), "arn": have.arn, "unique_id": have.unique_id}

    def problems(self, have: ExistingRoleFacts) -> Iterator[str]:
        """What is in the way for certain."""
        name = _name(self.slug)
        if have.arn != self.slug:
            yield f"the role {name} is {have.arn}, not {self.slug}"
        if self.root and have.arn.count("/") > 1:
            yield f"{name} has a path, and EKS Auto Mode's nodes do not come up with such a role"
        if missing := [action for action in self.actions if not trusts(have.trust, self.service, action)]:
            yield f"the trust of {name} does not let {self.service} call {', '.join(missing)}"
        lacking = self._lacking(have)
        others = bool(have.inline) or bool(have.policies - set(self.policies))
        if strict := [one for one in lacking if one in LOOKED_FOR]:
            yield f"{name} lacks {', '.join(strict)}, which EKS looks for"
        elif lacking and not others:
            yield f"{name} lacks {', '.join(lacking)}, and has no other policies instead"
        if self.inline and not have.inline and not have.policies:
            yield f"{name} has no policy at all, so it may do nothing"

    def doubts(self, aws: Aws, have: ExistingRoleFacts) -> Iterator[str]:
        """What may be in the way: worth a word, and no reason to stop."""
        name = _name(self.slug)
        if lacking := [one for one in self._lacking(have) if one not in LOOKED_FOR]:
            yield f"{name} has other policies in place of {', '.join(lacking)}; what they allow was not looked at"
        for actions, resource in _unconditional(self.inline):
            denied = _denied(aws, self.slug, actions, resource)
            if denied is None:
                yield f"what {name} is allowed was not looked at: IAM does not say (iam:SimulatePrincipalPolicy)"
                return
            if denied:
                where = "" if resource == "*" else f" on {resource}"
                yield f"the policies of {name} do not seem to allow {', '.join(denied)}{where}"

    def _lacking(self, have: ExistingRoleFacts) -> list[str]:
        attached = {_name(arn) for arn in have.policies if ":iam::aws:" in arn}
        wanted = [_name(arn) for arn in self.policies if _name(arn) not in CONVENIENT]
        return [one for one in wanted if not attached & set(ALIKE.get(one, (one,)))]

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """Only looked at, by its ARN; IAM's simulator is asked about what an inline policy would have given."""
        own = [step.slug for step in place.of(cls)]
        bare = [f"{arn.split(':role/')[0]}:role/{last_part(arn)}" for arn in own]  # where it is not there
        asked = dict.fromkeys(step.slug for step in place.of(cls) if step.inline)
        return Rights(
            read=(
                *on(dict.fromkeys((*own, *bare)), "iam:GetRole"),
                *on(dict.fromkeys(own), "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            ),
            make=on(asked, "iam:SimulatePrincipalPolicy"),
        )


def lent(role: IamRole, name: str, arn: str) -> ExistingRole:
    """The role that exists, in place of one that would be made."""
    return ExistingRole(
        name=name,
        slug=arn,
        service=role.service,
        actions=role.actions,
        policies=role.policies,
        inline=role.inline,
        root=role.any_path,
    )


def trusts(document: str, service: str, action: str) -> bool:
    """Whether a trust policy lets a service principal call an action, its conditions taken to hold."""
    allowed = False
    for statement in statements(document or "{}"):
        principal = statement.get("Principal", {})
        services = _many(principal.get("Service")) if isinstance(principal, dict) else [principal]
        actions = _many(statement.get("Action"))
        if not {service, "*"} & set(services) or not {action, "sts:*", "*"} & set(actions):
            continue
        if statement.get("Effect") == "Deny" and not statement.get("Condition"):
            return False
        allowed = allowed or statement.get("Effect") == "Allow"
    return allowed


def _read(aws: Aws, name: str) -> ExistingRoleFacts:
    iam = aws.clients.iam
    role = iam.get_role(RoleName=name)["Role"]
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    inline = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    return ExistingRoleFacts(
        arn=role["Arn"],
        trust=canonical(role.get("AssumeRolePolicyDocument", {})),
        policies=frozenset(found["PolicyArn"] for page in attached for found in page["AttachedPolicies"]),
        inline=tuple(found for page in inline for found in page["PolicyNames"]),
        unique_id=role["RoleId"],
        owner=owner_of(as_dict(role.get("Tags")), role_region(name, aws.owner.stack, aws.region)),
    )


def _denied(aws: Aws, arn: str, actions: tuple[str, ...], resource: str) -> list[str] | None:
    """The actions that are not allowed; None where IAM does not say."""
    here: Any = [
        {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [aws.region], "ContextKeyType": "string"}
    ]
    pages = aws.clients.iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn, ActionNames=list(actions), ResourceArns=[resource], ContextEntries=here
    )
    results = none_if(
        lambda: [result for page in pages for result in page["EvaluationResults"]], "AccessDenied", "InvalidInput"
    )
    if results is None:
        return None
    return sorted({each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed"})


def _unconditional(document: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Actions and one resource of each statement that holds always; others depend on what nobody can say beforehand."""
    for statement in statements(document) if document else ():
        if statement["Effect"] == "Allow" and "Condition" not in statement:
            first = _many(statement["Resource"])[0]
            yield tuple(_many(statement["Action"])), first if first == "*" else first.replace("*", "any")


def _many(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _name(arn: str) -> str:
    return last_part(arn)
