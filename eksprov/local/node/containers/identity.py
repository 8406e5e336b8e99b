"""Pod credentials as EKS Pod Identity gives them, over one HTTP address of 127.0.0.1 per cluster.

On EKS the agent answers at http://169.254.170.23/v1/credentials a request whose Authorization header is the pod's
token (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html). SDKs also accept loopback
addresses in AWS_CONTAINER_CREDENTIALS_FULL_URI, so processes get this endpoint's address and a token file of their
own. Tokens are random, live as long as the pod, and lie in 0600 files only.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from eksprov.local.contract import AwsSide, PodCredentials
from eksprov.local.home import write_private
from eksprov.local.node.network import LOOPBACK

log = logging.getLogger(__name__)

PATH = "/v1/credentials"
TOKEN_FILE = "eks-pod-identity-token"


@dataclass(frozen=True)
class PodName:
    """Who asks: a pod by its service account."""

    namespace: str
    service_account: str
    pod: str


class CredentialEndpoint:
    """Answers pods' requests for credentials; `start` and `stop` belong to the agent's loop."""

    def __init__(self, cluster_arn: str, aws: AwsSide) -> None:
        self._arn = cluster_arn
        self._aws = aws
        self._tokens: dict[str, PodName] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def credentials(self, who: PodName) -> PodCredentials | None:
        """The pod's credentials (blocking), or None without an association."""
        return self._aws.pod_credentials(self._arn, who.namespace, who.service_account, who.pod)

    async def environment(self, who: PodName, folder: Path, region: str) -> dict[str, str]:
        """What a process needs to call the local AWS as its pod; the token file lands in `folder`."""
        env = {"AWS_ENDPOINT_URL": self._aws.endpoint_url(), "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        if await asyncio.to_thread(self.credentials, who) is None:
            return env | {"AWS_EC2_METADATA_DISABLED": "true"}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = who
        path = write_private(folder / TOKEN_FILE, token)
        return env | {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{LOOPBACK}:{self._port}{PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(path),
        }

    def forget(self, who: PodName) -> None:
        """The pod is gone: its tokens open nothing any more."""
        self._tokens = {token: owner for token, owner in self._tokens.items() if owner != who}

    async def _answer(self, request: web.Request) -> web.Response:
        who = self._tokens.get(request.headers.get("Authorization", ""))
        if who is None:
            return web.Response(status=401, text="Service account token is not known")
        found = await asyncio.to_thread(self.credentials, who)
        if found is None:
            return web.Response(status=404, text="No pod identity association found")
        return web.json_response(
            {
                "AccessKeyId": found.access_key_id,
                "SecretAccessKey": found.secret_access_key,
                "Token": found.token,
                "AccountId": found.account_id,
                "Expiration": found.expiration,
            }
        )
