"""IAM: moto's, with refusals it lacks, and a note of when a role was made."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from eksprov.local.aws.base import Refusal
from eksprov.local.aws.simulate import SimulateMixin


class LocalIamResponse(SimulateMixin, IamResponse):
    """Answers every request to IAM."""

    def before(self, action: str) -> None:
        """Refuse a policy deleted while attached, and a trust policy that is none."""
        if action == "DeletePolicy":
            self._refuse_attached(self._get_param("PolicyArn"))
        elif action == "CreateRole":
            _check_trust(self._get_param("AssumeRolePolicyDocument"))
        elif action == "UpdateAssumeRolePolicy":
            _check_trust(self._get_param("PolicyDocument"))

    def create_role(self) -> Any:
        """CreateRole; EKS will not see the role at once."""
        result = super().create_role()
        name = self._get_param("RoleName")
        self.world.roles_made[name] = self.world.now()
        made = next((role for role in self.world.iam().get_roles() if role.name == name), None)
        if made is not None:  # its CreateDate is the world's time, like all that is compared with it
            made.create_date = datetime.fromtimestamp(self.world.now(), UTC).replace(tzinfo=None)
        return result

    def _refuse_attached(self, arn: str) -> None:
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
        backend: IAMBackend = self.backend
        holders: tuple[Any, ...] = (*backend.get_roles(), *backend.users.values(), *backend.groups.values())
        if any(arn in holder.managed_policies for holder in holders):
            raise Refusal("DeleteConflict", "Cannot delete a policy attached to entities.", 409)


def _check_trust(text: str) -> None:
    try:
        statements = json.loads(text)["Statement"]
        statements = statements if isinstance(statements, list) else [statements]
        sound = bool(statements) and all(
            each["Effect"] in ("Allow", "Deny") and ("Principal" in each or "NotPrincipal" in each) and each["Action"]
            for each in statements
        )
    except (ValueError, LookupError, TypeError):
        sound = False
    if not sound:
        raise Refusal("MalformedPolicyDocument", "This policy contains invalid Json or no trust statement")
