"""An IAM role: whom it trusts, exactly which managed policies it has, and at most one inline policy.

All our roles live under the path `/eksprov/`, so that one listing finds them. The trust of roles for EKS and for pods
carries `sts:TagSession` beside `sts:AssumeRole`
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
from typing import ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.change import UNKNOWN
from eksprov.core.converge import is_ours
from eksprov.core.step import Outputs, Owner, Sighting, Step, Timing
from eksprov.steps.absent import unless
from eksprov.steps.policy_json import canonical, policy

LONGEST = 64  # characters of a role's name, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
PATH = "/eksprov/"
INLINE = "eksprov"  # the name of our inline policy
GONE = "NoSuchEntity"
CHANGING = (Passing("DeleteConflict"), Passing("ConcurrentModification"))
CHANGING_LIMIT_S = 120.0


@dataclass(frozen=True)
class RoleFacts:
    """`trust` and `inline` are canonical documents ("" for no inline policy), `policies` ARNs: exactly these."""

    trust: str
    policies: frozenset[str]
    inline: str = ""
    description: str = ""
    arn: str = field(default=UNKNOWN, compare=False)
    unique_id: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


def role_name(stack: str, region: str, purpose: str) -> str:
    """Name a role `<stack>-<region>-<purpose>`, for the account has one name space; a long name is cut with a hash.

    A stack's name has 30 characters at most, so what is cut is the purpose, never the region.
    """
    name = f"{_beginning(stack, region)}{purpose}"
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _beginning(stack: str, region: str) -> str:
    return f"{stack}-{region}-"


def _region(name: str, stack: str, region: str) -> str:
    """Read the region out of a role's name, for roles from before the region had a tag; "" where it is another."""
    return region if name.startswith(_beginning(stack, region)) else ""


def trust_document(service: str, actions: Iterable[str]) -> str:
    """Who may take the role: a service principal, with these actions."""
    return policy([{"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}])


@dataclass(frozen=True, kw_only=True)
class IamRole(Step[Aws, RoleFacts]):
    """`slug` is the role's name; `inline` a policy document, "" for none (inline policies of others are left alone)."""

    kind: ClassVar[str] = "iam-role"
    tags_at: ClassVar[tuple[str, str] | None] = ("iam", "name")
    timing: ClassVar[Timing] = Timing(create_s=2, delete_s=2)

    service: str = ""
    actions: tuple[str, ...] = ("sts:AssumeRole",)
    policies: tuple[str, ...] = ()
    inline: str = ""
    description: str = ""

    def desired(self, outputs: Outputs) -> RoleFacts:  # noqa: ARG002 -- a role is known from the config alone
        """The trust, the policies and the description of the config."""
        inline = canonical(self.inline) if self.inline else ""
        return RoleFacts(trust_document(self.service, self.actions), frozenset(self.policies), inline, self.description)

    def discover(self, aws: Aws, *, fresh: bool = False) -> RoleFacts | None:  # noqa: ARG002 -- no listing has tags
        """Two readings, a third where an inline policy is wanted."""
        return unless(lambda: self._read(aws), GONE)

    def _read(self, aws: Aws) -> RoleFacts:
        iam = aws.clients.iam
        role = iam.get_role(RoleName=self.slug)["Role"]
        pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=self.slug)
        return RoleFacts(
            trust=canonical(role.get("AssumeRolePolicyDocument", {})),
            policies=frozenset(found["PolicyArn"] for page in pages for found in page["AttachedPolicies"]),
            inline=self._inline(aws) if self.inline else "",
            description=role.get("Description", ""),
            arn=role["Arn"],
            unique_id=role["RoleId"],
            owner=owner_of(as_dict(role.get("Tags")), _region(self.slug, aws.owner.stack, aws.region)),
        )

    def create(self, aws: Aws, want: RoleFacts, token: str) -> dict[str, str]:  # noqa: ARG002 -- names are tokens
        """The role, then its policies; a role of ours that a lost answer hid is completed, a stranger's left."""
        made = unless(
            lambda: aws.clients.iam.create_role(
                RoleName=self.slug,
                Path=PATH,
                AssumeRolePolicyDocument=want.trust,
                Description=want.description,
                Tags=as_list(aws.tags(self.name, self.slug)),
            ),
            "EntityAlreadyExists",
        )
        have = self.discover(aws, fresh=True) if made is None else None
        if made is not None or (have is not None and is_ours(have.owner, aws.owner)):
            self._write_policies(aws, want, have.policies if have is not None else frozenset())
        return {}

    def update(self, aws: Aws, want: RoleFacts, have: RoleFacts, fields: tuple[str, ...]) -> None:
        """Each field has a call of its own."""
        iam = aws.clients.iam
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
    def survey(cls, aws: Aws, stack: str) -> Iterable[Sighting]:
        """Roles under our path whose names begin with the stack's and the region's, by their tags."""
        iam = aws.clients.iam
        for page in iam.get_paginator("list_roles").paginate(PathPrefix=PATH):
            for role in page["Roles"]:
                name = role["RoleName"]
                if not name.startswith(_beginning(stack, aws.region)):
                    continue
                with tolerating(GONE):
                    tags = as_dict(iam.list_role_tags(RoleName=name)["Tags"])
                    owner = owner_of(tags, _region(name, stack, aws.region))
                    if of_stack(owner, stack, aws.region):
                        yield Sighting(cls.kind, name, role["Arn"], owner)

    def _inline(self, aws: Aws) -> str:
        iam = aws.clients.iam
        found = unless(lambda: iam.get_role_policy(RoleName=self.slug, PolicyName=INLINE)["PolicyDocument"], GONE)
        return canonical(found) if found else ""

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
