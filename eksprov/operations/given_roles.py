"""What the config says of roles, looked up before anything is made: those that exist, the boundary, the path.

Asked only where the record does not have it already, so a run that changes nothing reads nothing for it. What breaks
later fails its own step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.core.convergence.converge import is_ours
from eksprov.core.names import StepName, is_models, last_part
from eksprov.core.step import AnyStep
from eksprov.errors import Problem
from eksprov.operations.stack import Opened
from eksprov.steps.absent import none_if
from eksprov.steps.identity.existing_role import ExistingRole
from eksprov.steps.identity.iam_role import GONE, IamRole

BOUNDARY, PATH = "iam.permissions_boundary", "iam.role_path"
UNTOUCHED = "it is not this stack's, so it is not changed"


def refuse_wrong_roles(opened: Opened, steps: Iterable[AnyStep]) -> tuple[str, ...]:
    """What is worth a word. Raises: ConfigError with everything that is wrong, before anything is made."""
    new = [step for step in steps if not _settled(opened, step)]
    with translated("look up the roles and the boundary of the config"):
        found = list(_boundary(opened, [step for step in new if isinstance(step, IamRole)]))
        notes = list[str]()
        for step in (step for step in new if isinstance(step, ExistingRole)):
            wrong = list(_wrong(opened, step))
            found += wrong
            if not wrong and (have := step.discover(opened.aws)) is not None:
                notes += step.doubts(opened.aws, have)
    if found:
        raise errors.ConfigError(tuple(found))
    return tuple(notes)


def refuse_moved_roles(opened: Opened) -> None:
    """Raises: ConfigError where roles of the stack stand elsewhere than the config wants them."""
    roles = [step for step in opened.steps if isinstance(step, IamRole) and not step.any_path]
    standing = dict(_standing(opened))
    moved = sorted({path for step in roles if (path := standing.get(step.name, step.path)) != step.path})
    if moved:
        message = f"roles of this stack stand at {', '.join(moved)}, and IAM cannot move a role"
        hint = f"set it to {moved[0]} again, or tear down and provision anew; nothing was changed"
        raise errors.ConfigError((Problem(message, PATH, hint=hint),))


def boundaries_left(opened: Opened, found: Mapping[str, Any]) -> tuple[str, ...]:
    """A word on boundaries that the config does not speak of; `found` are facts by step."""
    unsaid = [step.name for step in opened.steps if isinstance(step, IamRole) and not step.boundary]
    have = {name: found[name].boundary for name in unsaid if found.get(name) is not None}
    return tuple(
        f"{', '.join(sorted(name for name in have if have[name] == arn))}: bounded by {arn}, which the config does not "
        f"name; it stays ({BOUNDARY}: none takes it off)"
        for arn in sorted({arn for arn in have.values() if arn})
    )


def _settled(opened: Opened, step: AnyStep) -> bool:
    """Whether the record says that it is there as it is wanted now."""
    record = opened.state.steps.get(step.name)
    return record is not None and record.slug == step.slug and opened.state.is_as_recorded(step)


def _boundary(opened: Opened, roles: Sequence[IamRole]) -> Iterator[Problem]:
    """IAM refuses a boundary that is no policy; EKS or IAM would say so when half the stack is made."""
    iam = opened.aws.clients.iam
    for arn in sorted({step.boundary for step in roles if step.boundary.startswith("arn:")}):
        of = arn.split(":")[4]
        if of not in ("aws", opened.identity.account):
            yield Problem(f"is of account {of}, but the stack is in {opened.identity.account}", BOUNDARY, hint=_HERE)
        elif none_if(lambda arn=arn: [iam.get_policy(PolicyArn=arn)], GONE) is None:  # type: ignore[misc]  # called at once
            hint = "correct the ARN, or have the policy made first"
            yield Problem(f"there is no policy {arn}", BOUNDARY, hint=hint)


_HERE = "roles, boundary and stack are of one account"


def _wrong(opened: Opened, step: ExistingRole) -> Iterator[Problem]:
    place, of = _place(opened, step), step.slug.split(":")[4]
    if of != opened.identity.account:
        yield Problem(f"is of account {of}, but the stack is in {opened.identity.account}", place, hint=_HERE)
        return
    have = step.discover(opened.aws)
    if have is None:
        yield Problem(f"there is no role {step.slug}", place, hint="correct the ARN, or have the role made first")
        return
    if is_ours(have.owner, opened.us) and have.owner is not None:
        hint = "leave the key out: what eksprov made for the stack, it keeps and takes away itself"
        yield Problem(f"is a role that eksprov made for this stack ({have.owner.step})", place, hint=hint)
    for said in step.problems(have):
        yield Problem(said, place, hint=UNTOUCHED)


def _place(opened: Opened, step: ExistingRole) -> str:
    """The key of the config that names the role."""
    if not is_models(step.name):
        return f"iam.roles.{last_part(step.name).replace('-', '_')}"
    names = [model.name for model in opened.stack.config.models]
    return f"models[{names.index(StepName.parse(step.name).of)}].role_arn"


def _standing(opened: Opened) -> Iterator[tuple[str, str]]:
    """By step, the path of each role that the record or the tags know."""
    arns = {resource.owner.step: resource.identity for resource in opened.resources if resource.kind == IamRole.kind}
    arns |= {name: one.outputs.get("arn", "") for name, one in opened.state.steps.items() if one.kind == IamRole.kind}
    for name, arn in arns.items():
        if ":role/" in arn:
            yield name, f"/{arn.split(':role/', 1)[1].rpartition('/')[0]}/".replace("//", "/")
