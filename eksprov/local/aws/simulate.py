"""The policy simulator: what the policies in moto's IAM allow, for whole actions on any resource.

The local administrator may do everything. Users and groups of moto's are not looked at; permissions boundaries are
not simulated (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse, Refusal
from eksprov.local.aws.keys import ADMIN_ARN
from eksprov.local.aws.policy import allows


class SimulateMixin(LocalResponse):
    """SimulatePrincipalPolicy, for IAM's response class."""

    def simulate_principal_policy(self) -> Any:
        """One result an action."""
        arn, actions = self._get_param("PolicySourceArn"), self._get_param("ActionNames", [])
        resource = (self._get_param("ResourceArns", []) or ["*"])[0]
        documents = self._documents(arn)
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": _decision(documents, action, resource),
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in actions
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _documents(self, arn: str) -> list[str] | None:
        """The policies of a role; None where everything is allowed."""
        if arn == ADMIN_ARN:
            return None
        role: Any = next((role for role in self.world.iam().get_roles() if role.arn == arn), None)
        if role is None:
            raise Refusal("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
        attached = [
            version.document
            for policy in role.managed_policies.values()
            for version in policy.versions
            if version.version_id == policy.default_version_id
        ]
        return [*role.policies.values(), *attached]


def _decision(documents: list[str] | None, action: str, resource: str) -> str:
    if documents is None or allows(documents, action, resource, {}):
        return "allowed"
    # A Deny that applies also stops what the widest Allow would let through.
    widest = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    return "implicitDeny" if allows([*documents, widest], action, resource, {}) else "explicitDeny"
