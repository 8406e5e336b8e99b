"""IAM: moto's, with refusals it lacks, and a note of when a role was made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from eksprov.local.aws.calls import signing_scope
from eksprov.local.aws.iam import guard, service_roles
from eksprov.local.aws.iam.simulate import SimulateMixin
from eksprov.local.aws.policy import allows, documents_of
from eksprov.local.aws.refusal import Refusal
from eksprov.local.partitions import EC2

PATH = re.compile(r"/|/[!-~]+/")
LONGEST_PATH = 512
# What the names of services end in where a trust names them: the same in all partitions but one
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
COMMON = (".amazonaws.com",)
SUFFIXES = {"aws-cn": (*COMMON, ".amazonaws.com.cn")}


class LocalIamResponse(SimulateMixin, IamResponse):
    """Answers every request to IAM."""

    def get_region_from_url(self, request: Any, full_url: str) -> str:
        """The region; IAM's host in GovCloud names none, so there it is the one for which the request was signed."""
        region: str = super().get_region_from_url(request, full_url)
        return region if region[-1].isdigit() else signing_scope(request)[0]

    def before(self, action: str) -> None:
        """Refuse what a role's session may not do, and a trust policy, a path or a boundary that is none."""
        self._hold_to_role(action)
        if action == "CreateRole":
            _check_path(self._get_param("Path") or "/")
            _check_trust(self._get_param("AssumeRolePolicyDocument"), self.partition)
            self._check_boundary(self._get_param("PermissionsBoundary"))
        elif action == "PutRolePermissionsBoundary":
            self._check_boundary(self._get_param("PermissionsBoundary"))
        elif action == "UpdateAssumeRolePolicy":
            _check_trust(self._get_param("PolicyDocument"), self.partition)

    def create_role(self) -> Any:
        """CreateRole; EKS will not see the role at once."""
        result = super().create_role()
        name = self._get_param("RoleName")
        self.world.roles_made[name] = self.world.now()
        made = next((role for role in self.world.iam(self.partition).get_roles() if role.name == name), None)
        if made is not None:  # its CreateDate is the world's time, like all that is compared with it
            made.create_date = datetime.fromtimestamp(self.world.now(), UTC).replace(tzinfo=None)
        return result

    def list_instance_profiles(self) -> Any:
        """ListInstanceProfiles, of those under a path where one is asked for."""
        below = self._get_param("PathPrefix") or "/"
        found = [profile for profile in self.backend.get_instance_profiles() if profile.path.startswith(below)]
        return ActionResult({"InstanceProfiles": found, "IsTruncated": False})

    def remove_role_from_instance_profile(self) -> Any:
        """RemoveRoleFromInstanceProfile, whose second time finds no such role in it
        (https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html)."""
        name, role = self._get_param("InstanceProfileName"), self._get_param("RoleName")
        if role not in [one.name for one in self.backend.get_instance_profile(name).roles]:
            raise Refusal("NoSuchEntity", f"The role with name {role} cannot be found in {name}.", 404)
        return super().remove_role_from_instance_profile()

    def _hold_to_role(self, action: str) -> None:
        """Raise AccessDenied where the caller is a role's session whose policies do not allow the action."""
        key, backend = self.caller(), self.backend
        if key is None or key.session is None or key.session.is_pod:
            return
        roles = {role.name: role for role in backend.get_roles()}
        profiles = {profile.name: profile for profile in backend.instance_profiles.values()}
        resource, context = guard.request(action, self._get_param, roles, profiles, self.partition)
        caller = roles.get(key.session.role_name)
        documents = documents_of(caller) if caller is not None else []
        if not allows(documents, f"iam:{action}", resource, context):
            raise Refusal("AccessDenied", guard.refusal(key, action, resource, self.partition), 403)

    def _check_boundary(self, arn: str | None) -> None:
        # A boundary is a managed policy that exists
        # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html).
        backend: IAMBackend = self.backend
        if arn and arn not in backend.managed_policies:
            raise Refusal("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)

    def create_service_linked_role(self) -> Any:
        """CreateServiceLinkedRole; an account has one of each service."""
        service = self._get_param("AWSServiceName")
        if service in service_roles.NAMES and service_roles.there(self.backend, service):
            name = service_roles.NAMES[service]
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise Refusal("InvalidInput", message)
        answer = super().create_service_linked_role()
        for role in self.backend.get_roles():
            if role.path == f"/aws-service-role/{service}/":
                role.name = service_roles.NAMES.get(service, role.name)
        return answer


def _check_path(path: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html; the words are IAM's
    # (https://github.com/aws-cloudformation/cfn-lint/issues/722).
    if len(path) > LONGEST_PATH or not PATH.fullmatch(path):
        said = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
        raise Refusal("ValidationError", f"The specified value for path is invalid. {said}")
    if path.startswith("/aws-service-role/"):
        raise Refusal("InvalidInput", f"The path {path} is reserved for service-linked roles.")


def _check_trust(text: str, partition: str) -> None:
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
    for service in _trusted(statements):
        if not service.endswith(SUFFIXES.get(partition, COMMON)) and service != EC2.get(partition):
            raise Refusal("MalformedPolicyDocument", f'Invalid principal in policy: "SERVICE":"{service}"')


def _trusted(statements: list[dict[str, Any]]) -> Iterator[str]:
    """The services that a trust policy names."""
    for statement in statements:
        principal = statement.get("Principal")
        named = principal.get("Service", []) if isinstance(principal, dict) else []
        yield from [named] if isinstance(named, str) else named
