"""Every request to EKS: takes it apart, finds its function, and makes repeated requests harmless.

A request with the same client request token and the same parameters gets the first answer again, even when the
resource is gone meanwhile; with other parameters it is refused
(https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html, `clientRequestToken`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.eks import (
    access,
    cluster_updates,
    clusters,
    encryption,
    insights,
    others,
    pod_identity,
    refusals,
    tags,
    updates,
    versions,
)
from eksprov.local.aws.eks.addons import catalog, operations
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.nodes import nodegroup_updates, nodegroups
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.keys import admin_arn
from eksprov.local.aws.refusal import Refusal

Operation = Callable[[EksRegion, Shape], dict[str, Any]]

MODULES = (
    access,
    catalog,
    operations,
    cluster_updates,
    clusters,
    encryption,
    insights,
    nodegroup_updates,
    nodegroups,
    others,
    pod_identity,
    tags,
    updates,
    versions,
)
OPERATIONS: dict[str, Operation] = {name: each for module in MODULES for name, each in module.OPERATIONS.items()}


class LocalEksResponse(LocalResponse):
    """Answers every request to EKS."""

    def __init__(self) -> None:
        super().__init__(service_name="eks")
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        action = self._get_action() or ""
        try:
            self.hold_pods_to_their_role(action)
            result = self._answer(action)
        except ServiceException as refusal:
            return self.refused(refusal)
        status, headers, body = self.serialized(ActionResult(result))
        headers, body = self._enrich_response(headers, body)
        return status, headers, body

    def _answer(self, action: str) -> dict[str, Any]:
        if action not in OPERATIONS:
            raise Refusal("NotEmulatedException", f"The local AWS does not emulate eks:{action or 'this path'}", 501)
        ask: Shape = {key: value for key, value in self.params.items() if value is not None}
        region = self.world.region(self.region)
        region.caller_arn = self._principal()
        token = ask.get("clientRequestToken")
        if token is None:
            return OPERATIONS[action](region, ask)
        if (action, token) not in region.answers:
            tags.check(ask.get("tags"))
            answer = OPERATIONS[action](region, ask)
            region.answers[action, token] = (copy.deepcopy(ask), copy.deepcopy(answer))
            return answer
        first, answer = region.answers[action, token]
        if first != ask:
            raise refusals.invalid(f"The client request token {token} was used with other parameters")
        return answer

    def _principal(self) -> str:
        key = self.caller()
        if key is None or key.session is None:
            return admin_arn(self.partition)
        name = key.session.role_name
        roles = self.world.iam(self.partition).get_roles()
        return next((str(role.arn) for role in roles if role.name == name), admin_arn(self.partition))
