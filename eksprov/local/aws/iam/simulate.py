"""The policy simulator: what the policies in moto's IAM allow, of actions on resources under condition keys.

The local administrator may do everything. Users and groups of moto's are not looked at; permissions boundaries are
not simulated (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.keys import admin_arn
from eksprov.local.aws.policy import allows, documents_of
from eksprov.local.aws.refusal import Refusal

PAGE = 100  # results of an answer that asks for no number of them (the default of MaxItems)


class SimulateMixin(LocalResponse):
    """SimulatePrincipalPolicy, for IAM's response class."""

    def simulate_principal_policy(self) -> Any:
        """One result for each action and resource, in pages."""
        arn, actions = self._get_param("PolicySourceArn"), self._get_param("ActionNames", [])
        resources = self._get_param("ResourceArns", []) or ["*"]
        context = {
            entry["ContextKeyName"].lower(): entry["ContextKeyValues"][0]
            for entry in self._get_param("ContextEntries", [])
        }
        documents = self._documents(arn)
        every = [(action, resource) for action in actions for resource in resources]
        first = int(self._get_param("Marker") or 0)
        last = first + int(self._get_param("MaxItems") or PAGE)
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": _decision(documents, action, resource, context),
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action, resource in every[first:last]
        ]
        more = {"Marker": str(last)} if last < len(every) else {}
        return ActionResult({"EvaluationResults": results, "IsTruncated": bool(more), **more})

    def _documents(self, arn: str) -> list[str] | None:
        """The policies of a role; None where everything is allowed."""
        if arn == admin_arn(self.partition):
            return None
        role: Any = next((role for role in self.world.iam(self.partition).get_roles() if role.arn == arn), None)
        if role is None:
            raise Refusal("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
        return documents_of(role)


def _decision(documents: list[str] | None, action: str, resource: str, context: Mapping[str, str]) -> str:
    if documents is None or allows(documents, action, resource, context):
        return "allowed"
    # A Deny that applies also stops what the widest Allow would let through.
    widest = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    return "implicitDeny" if allows([*documents, widest], action, resource, context) else "explicitDeny"
