"""STS: who a key is, and new keys for a role. Only keys that are ours are known here."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from eksprov.local.aws import eks_token, sigv4
from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.keys import ACCOUNT, Key, Session
from eksprov.local.aws.refusal import Refusal

LONGEST_SESSION_S = 43200
UNKNOWN_KEY = "The security token included in the request is invalid."
WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)


class LocalStsResponse(LocalResponse, TokenResponse):
    """Answers every request to STS."""

    def get_caller_identity(self) -> Any:
        """GetCallerIdentity, signed in the headers or in the URL (the EKS token)."""
        key = self._signer()
        return ActionResult({"UserId": key.user_id, "Account": ACCOUNT, "Arn": key.arn(self.partition)})

    def assume_role(self) -> Any:
        """AssumeRole of a role that exists."""
        key = self._signer()
        arn, name = self._get_param("RoleArn"), self._get_param("RoleSessionName")
        duration = self._get_int_param("DurationSeconds", 3600)
        if not any(role.arn == arn for role in self.world.iam(self.partition).get_roles()):
            raise Refusal(
                "AccessDenied",
                f"User: {key.arn(self.partition)} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                403,
            )
        if not 900 <= duration <= LONGEST_SESSION_S:
            raise Refusal("ValidationError", "DurationSeconds must be between 900 and 43200")
        result = super().assume_role()
        assumed = self.backend.assumed_roles[-1]
        session = Session(arn.rsplit("/", 1)[-1], name, self.world.wall() + duration, partition=self.partition)
        self.world.keys.issue(assumed, session)
        return result

    def _signer(self) -> Key:
        """The key behind the request; raises InvalidClientTokenId or SignatureDoesNotMatch."""
        found, key = self.signature(), self.caller()
        if found is None:
            raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        if key is None or found.security_token != key.token:
            raise Refusal("InvalidClientTokenId", UNKNOWN_KEY, 403)
        headers, url = self.lower_headers(), self.normalized_request.raw_url
        if sigv4.from_headers(headers) is None:
            others = {name: headers[name] for name in found.signed_headers if name != "host" and name in headers}
            if eks_token.signer(self.world, url, others) is None:
                raise Refusal("SignatureDoesNotMatch", f"{WRONG_SIGNATURE} Or the URL has expired.", 403)
            return key
        body = self.normalized_request.get_data()
        headers.setdefault("host", self.normalized_request.host)
        payload = headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
        if not sigv4.matches(found, key.secret, self.normalized_request.method, url, headers, payload):
            raise Refusal("SignatureDoesNotMatch", WRONG_SIGNATURE, 403)
        return key
