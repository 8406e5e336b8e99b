"""An IAM role: whom it trusts, exactly which managed policies it has, and at most one inline policy.

Roles live under the config's path, `/eksprov/` unless it says otherwise; the role of EKS Auto Mode's nodes at `/`,
because NodePools have stayed NotReady with one under a path (https://github.com/aws/containers-roadmap/issues/2486).
IAM cannot move a role, so a survey looks under every path and knows ours by their names and tags. A boundary is
compared where the config says one, or that there is to be `none`; where it says nothing, others may set what they
like. It comes before any policy, for a company's rules may refuse rights to a role that is not bounded
(https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).

The trust of roles for EKS and for pods carries `sts:TagSession` beside `sts:AssumeRole`
(https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html,
https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html). A role that IAM has made is not known everywhere at
once; who hands it to another service waits there, not here. Before a role can go, everything attached to it must go
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Need, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN, diff, left_to_others
from eksprov.core.convergence.converge import is_ours
from eksprov.core.describing import known
from eksprov.core.names import last_part
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Timing, Traits
from eksprov.core.words import plural
from eksprov.steps.absent import none_if
from eksprov.steps.identity.policy_json import canonical, policy

LONGEST = 64  # characters of a role's name, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
PATH = "/eksprov/"
INLINE = "eksprov"  # the name of our inline policy
GONE = "NoSuchEntity"
NO_BOUNDARY = "none"
LISTED_AT_ONCE = 1000  # roles a page, the most that IAM gives: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
CHANGING = (Passing("DeleteConflict"), Passing("ConcurrentModification"))
CHANGING_LIMIT_S = 120.0


@dataclass(frozen=True)
class RoleFacts:
    """`trust` and `inline` are canonical documents ("" for no inline policy), `policies` ARNs: exactly these.

    `unmanaged`: a boundary of which the config says nothing, a path where any will do, an inline policy that it has
    none of, which is not read then.
    """

    trust: str
    policies: frozenset[str]
    inline: str = ""
    description: str = ""
    boundary: str = field(default="", metadata={"later": True})
    path: str = field(default=PATH, metadata={"replace": True, "later": True})
    arn: str = field(default=UNKNOWN, compare=False)
    unique_id: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


def role_name(stack: str, region: str, purpose: str) -> str:
    """Name a role `<stack>-<region>-<purpose>`, for the account has one name space; a long name is cut with a hash.

    A stack's name has 28 characters at most, so what is cut is the purpose, never the region.
    """
    name = f"{_beginning(stack, region)}{purpose}"
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _beginning(stack: str, region: str) -> str:
    return f"{stack}-{region}-"


def role_region(name: str, stack: str, region: str) -> str:
    """Read the region out of a role's name, for roles from before the region had a tag; "" where it is another."""
    return region if name.startswith(_beginning(stack, region)) else ""


def trust_document(service: str, actions: Iterable[str]) -> str:
    """Who may take the role: a service principal, with these actions."""
    return policy([{"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}])


@dataclass(frozen=True, kw_only=True)
class IamRole(Step[Aws, RoleFacts]):
    """`slug` is the role's name; `inline` a policy document, "" for none (inline policies of others are left alone).

    `boundary` is a managed policy's ARN, "none", or "" for whatever there is. With `any_path` a role that stands
    elsewhere than at `path` does as well: it was made before, and cannot be moved.
    """

    kind: ClassVar[str] = "iam-role"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(tags_at=("iam", "name"), by_name=True)
    timing: ClassVar[Timing] = Timing(create_s=2, delete_s=2)

    service: str = ""
    actions: tuple[str, ...] = ("sts:AssumeRole",)
    policies: tuple[str, ...] = ()
    inline: str = ""
    description: str = ""
    path: str = PATH
    any_path: bool = False
    boundary: str = ""

    @property
    def replacement(self) -> Replacement:
        return Replacement(Order.NEVER, "IAM moves no role to another path, and what uses it would lose its rights")

    def desired(self, outputs: Outputs) -> RoleFacts:
        """The trust, the policies, the description, the boundary and the path of the config."""
        return RoleFacts(
            trust=trust_document(self.service, self.actions),
            policies=frozenset(self.policies),
            inline=canonical(self.inline) if self.inline else "",
            description=self.description,
            boundary="" if self.boundary == NO_BOUNDARY else self.boundary,
            path=PATH if self.any_path else self.path,
            unmanaged=left_to_others(boundary=not self.boundary, path=self.any_path, inline=not self.inline),
        )

    def describe(self, want: RoleFacts) -> str:
        """What is created, for the plan."""
        names = [last_part(policy) for policy in want.policies]
        managed = names[0] if len(names) == 1 else plural(len(names), "policy", "policies") if names else ""
        rights = known(managed, "an inline policy" if want.inline else "", joint=" and ")
        boundary = f"bounded by {want.boundary}" if want.boundary else ""
        return known(f"for {self.service}", f"with {rights or 'no policy'}", boundary)

    def discover(self, aws: Aws, *, fresh: bool = False) -> RoleFacts | None:
        """Two readings, a third where an inline policy is wanted."""
        return none_if(lambda: self._read(aws), GONE)

    def _read(self, aws: Aws) -> RoleFacts:
        iam = aws.clients.iam
        role = iam.get_role(RoleName=self.slug)["Role"]
        pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=self.slug)
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        return RoleFacts(
            trust=canonical(role.get("AssumeRolePolicyDocument", {})),
            policies=frozenset(found["PolicyArn"] for page in pages for found in page["AttachedPolicies"]),
            inline=self._inline(aws) if self.inline else "",
            description=role.get("Description", ""),
            boundary=boundary,
            path=role["Path"],
            arn=role["Arn"],
            unique_id=role["RoleId"],
            owner=owner_of(as_dict(role.get("Tags")), role_region(self.slug, aws.owner.stack, aws.region)),
        )

    def create(self, aws: Aws, want: RoleFacts, token: str) -> dict[str, str]:
        """The role, then its policies; a role of ours that a lost answer hid is completed, a stranger's left."""
        request: dict[str, Any] = {
            "RoleName": self.slug,
            "Path": self.path,
            "AssumeRolePolicyDocument": want.trust,
            "Description": want.description,
            "Tags": as_list(aws.tags(self.name, self.slug)),
            **({"PermissionsBoundary": want.boundary} if want.boundary else {}),
        }
        made = none_if(lambda: aws.clients.iam.create_role(**request), "EntityAlreadyExists")
        have = self.discover(aws, fresh=True) if made is None else None
        if made is not None or (have is not None and is_ours(have.owner, aws.owner)):
            if have is not None and "boundary" in diff(want, have).names:
                self._bound(aws, want.boundary)
            self._write_policies(aws, want, have.policies if have is not None else frozenset())
        return {}

    def update(self, aws: Aws, want: RoleFacts, have: RoleFacts, fields: tuple[str, ...]) -> None:
        """Each field has a call of its own; the boundary comes first."""
        iam = aws.clients.iam
        if "boundary" in fields:
            self._bound(aws, want.boundary)
        if "trust" in fields:
            iam.update_assume_role_policy(RoleName=self.slug, PolicyDocument=want.trust)
        if "description" in fields:
            iam.update_role(RoleName=self.slug, Description=want.description)
        if "policies" in fields or "inline" in fields:
            self._write_policies(aws, want, have.policies)

    def delete(self, aws: Aws, have: RoleFacts) -> None:
        """Detach, drop every inline policy, delete."""
        iam = aws.clients.iam
        with tolerating(GONE):
            self._detach(aws, have.policies)
            pages = iam.get_paginator("list_role_policies").paginate(RoleName=self.slug)
            for name in [name for page in pages for name in page["PolicyNames"]]:
                with tolerating(GONE):  # its deletion was sent twice, because the first answer was lost
                    iam.delete_role_policy(RoleName=self.slug, PolicyName=name)
            eventually(aws, lambda: iam.delete_role(RoleName=self.slug), CHANGING, limit_s=CHANGING_LIMIT_S)

    def outputs(self, have: RoleFacts) -> dict[str, str]:
        """`name`, `arn`, and `unique_id`, which tells a role made again under the same name."""
        return {"name": self.slug, "arn": have.arn, "unique_id": have.unique_id}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Roles whose names begin with the stack's and the region's, under whatever path, by their tags."""
        iam = aws.clients.iam
        for page in iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": LISTED_AT_ONCE}):
            for role in page["Roles"]:
                name = role["RoleName"]
                if not name.startswith(_beginning(stack, aws.region)):
                    continue
                with tolerating(GONE):
                    tags = as_dict(iam.list_role_tags(RoleName=name)["Tags"])
                    owner = owner_of(tags, role_region(name, stack, aws.region))
                    if of_stack(owner, stack, aws.region):
                        yield FoundResource(cls.kind, name, role["Arn"], owner)

    def _inline(self, aws: Aws) -> str:
        iam = aws.clients.iam
        found = none_if(lambda: iam.get_role_policy(RoleName=self.slug, PolicyName=INLINE)["PolicyDocument"], GONE)
        return canonical(found) if found else ""

    def _bound(self, aws: Aws, boundary: str) -> None:
        iam = aws.clients.iam
        if boundary:
            iam.put_role_permissions_boundary(RoleName=self.slug, PermissionsBoundary=boundary)
            return
        with tolerating(GONE):
            iam.delete_role_permissions_boundary(RoleName=self.slug)

    def _write_policies(self, aws: Aws, want: RoleFacts, have: frozenset[str]) -> None:
        iam, name = aws.clients.iam, self.slug
        for arn in sorted(want.policies - have):
            self._sent(aws, partial(iam.attach_role_policy, RoleName=name, PolicyArn=arn))
        self._detach(aws, have - want.policies)
        if want.inline:
            put = partial(iam.put_role_policy, RoleName=name, PolicyName=INLINE, PolicyDocument=want.inline)
            self._sent(aws, put)

    def _detach(self, aws: Aws, arns: Iterable[str]) -> None:
        for arn in sorted(arns):
            with tolerating(GONE):
                self._sent(aws, partial(aws.clients.iam.detach_role_policy, RoleName=self.slug, PolicyArn=arn))

    def _sent(self, aws: Aws, call: Callable[[], object]) -> None:
        """IAM takes one change of a role at a time
        (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html)."""
        eventually(aws, call, CHANGING, limit_s=CHANGING_LIMIT_S)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """Made and given rights by name, taken away by name and tag; what is attached is what the config attaches.

        An inline policy may say anything, and so may a trust: who bounds the roles bounds these (docs/security.md).
        """
        steps = place.of(cls)
        every, inline = role_arns(place, steps), role_arns(place, [step for step in steps if step.inline])
        gives = (*_attaching(place, steps), *on(inline, "iam:PutRolePolicy", condition=place.bounded))
        # One that is not there has no path that IAM could know, and one from an earlier config may be under any.
        named = place.everywhere("iam", f"role/{place.prefix}*", f"role/*/{place.prefix}*")
        look = ("iam:GetRole", "iam:ListAttachedRolePolicies", *(("iam:GetRolePolicy",) if inline else ()))
        return Rights(
            read=on(named, *look),
            make=(
                *on(_made_at(place, steps), "iam:CreateRole", condition=(*place.requested, *place.bounded)),
                *on(every, "iam:TagRole", condition=place.requested),
                *gives,
                *on((place.permissions_boundary,) if steps and place.bounded else (), "iam:GetPolicy"),
            ),
            change=(
                *on(every, "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DetachRolePolicy"),
                *gives,
                *_bounding(place, steps),
            ),
            delete=(
                *on(named, "iam:ListRolePolicies"),
                *on(named, "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole", condition=place.owned),
            ),
            list_owned=(*on(ANYTHING, "iam:ListRoles"), *on(named, "iam:ListRoleTags")),
            tag=on(every, "iam:TagRole", "iam:UntagRole", condition=place.owned),
        )


def role_arns(place: Place, steps: Iterable[IamRole]) -> tuple[str, ...]:
    """The roles of these steps, each by its own name; one that does at any path may be where roles used to be made."""
    steps = tuple(steps)
    older = place.everywhere("iam", *(f"role{PATH}{step.slug}" for step in steps if step.any_path))
    return tuple(sorted({*_made_at(place, steps), *older}))


def _made_at(place: Place, steps: Iterable[IamRole]) -> tuple[str, ...]:
    return place.everywhere("iam", *sorted(f"role{step.path}{step.slug}" for step in steps))


def _bounding(place: Place, steps: Iterable[IamRole]) -> tuple[Need, ...]:
    """The config's boundary and no other is put on; taken off is one only where the config says so."""
    bound = [step for step in steps if step.boundary not in ("", NO_BOUNDARY)]
    freed = [step for step in steps if step.boundary == NO_BOUNDARY]
    return (
        *on(role_arns(place, bound), "iam:PutRolePermissionsBoundary", condition=place.bounded),
        *on(role_arns(place, freed), "iam:DeleteRolePermissionsBoundary"),
    )


def _attaching(place: Place, steps: Iterable[IamRole]) -> tuple[Need, ...]:
    """The managed policies that the config names, and no other
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PolicyARN)."""
    managed = [step for step in steps if step.policies]
    policies = tuple(sorted({arn for step in managed for arn in step.policies}))
    condition = (("ArnEquals", "iam:PolicyARN", policies), *place.bounded)
    return on(role_arns(place, managed), "iam:AttachRolePolicy", condition=condition)
