"""What our response classes share: the world they answer for, and how a refusal becomes an answer.

moto makes a new response object for each request and gives it no state of ours; so the world that is installed
is kept here, one a process.
"""

from __future__ import annotations

import warnings
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from eksprov.local.aws import sigv4
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.keys import Key
from eksprov.local.aws.policy import allows
from eksprov.local.aws.refusal import Refusal

_installed: list[LocalAws] = []


def install_world(world: LocalAws | None) -> None:
    """Let `world` answer from now on; None: nobody."""
    _installed[:] = [] if world is None else [world]


def current_world() -> LocalAws:
    """The installed world; it is a bug to ask before there is one."""
    if not _installed:
        raise RuntimeError("no local AWS is installed")
    return _installed[0]


class LocalResponse(BaseResponse):
    """Mixed in before one of moto's response classes: looks at each action before moto does."""

    @property
    def world(self) -> LocalAws:
        """The emulated account that answers this request."""
        return current_world()

    def _dispatch(self, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        request.get_data(cache=True)  # before a form is parsed out of it: signatures cover the bytes
        return super()._dispatch(request, full_url, headers)

    def _get_action(self) -> str:
        """Found out once a request: EKS's and S3's are told by searching all routes of the service."""
        if getattr(self, "_found_for", None) is not self.normalized_request:
            self._found_for, self._found = self.normalized_request, super()._get_action()
        return self._found

    def before(self, action: str) -> None:
        """Raise a `ServiceException` to refuse `action`; moto carries it out otherwise."""

    def call_action(self) -> Any:
        """Refuse, or let moto answer."""
        action = self._get_action()
        try:
            self.hold_pods_to_their_role(action)
            self.before(action)
        except ServiceException as refusal:
            return self.refused(refusal)
        return super().call_action()

    def refused(self, refusal: ServiceException) -> Any:
        """The answer that says so."""
        status, headers, body = self.serialized(ActionResult(refusal))
        headers, body = self._enrich_response(headers, body)
        return status, headers, body

    def serialized(self, action_result: ActionResult) -> Any:
        """The answer in the protocol of the request, a refusal with its own HTTP status."""
        with warnings.catch_warnings():
            # moto warns of codes that no model names, though AWS answers with them (DependencyViolation, …).
            warnings.simplefilter("ignore", UserWarning)
            status, headers, body = super().serialized(action_result)
        if isinstance(action_result.result, Refusal):
            status = action_result.result.status
        return status, headers, body

    def caller(self) -> Key | None:
        """The key that signed the request, or None where we do not know it."""
        found = self.signature()
        return None if found is None else self.world.keys.find(found.access_key_id, self.world.wall())

    def signature(self) -> sigv4.Signature | None:
        """The signature of the request, in its headers or in its URL."""
        headers = self.normalized_request.headers
        signed = {name: headers[name] for name in sigv4.HEADERS if name in headers}
        return sigv4.from_headers(signed) or sigv4.from_query(self.normalized_request.raw_url)

    def lower_headers(self) -> dict[str, str]:
        """The request's headers under lower-case names."""
        return {name.lower(): value for name, value in self.normalized_request.headers.items()}

    def hold_pods_to_their_role(self, action: str) -> None:
        """Refuse what the role of a pod does not allow; all other callers may do everything."""
        key = self.caller()
        if key is None or key.session is None or not key.session.is_pod or self.service_name == "sts":
            return
        documents, context = self.world.pod_rights(key)
        wanted = f"{self.service_name}:{action}"
        if not allows(documents, wanted, "*", context):
            raise Refusal(
                "AccessDeniedException" if self.service_name == "eks" else "AccessDenied",
                f"User: {key.arn(self.partition)} is not authorized to perform: {wanted}",
                403,
            )
