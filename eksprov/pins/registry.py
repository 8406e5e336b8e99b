"""What a tag means in a container registry now: its digest, asked for as anybody, without credentials.

One HEAD of the manifest tells the digest in a header
(https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#checking-if-content-exists-in-the-registry);
a registry that leaves it out is asked for the manifest, whose SHA-256 it is. Public registries hand a token to anybody
at the realm that their refusal names (https://distribution.github.io/distribution/spec/auth/token/). The digest asked
for is that of the index where there is one, so it holds for every architecture.

TLS is verified, and only https is spoken, to realms too. Proxies are taken from the environment. Time-outs: 5 s to
connect, 10 s to answer; nothing is tried twice, for a digest that is not known now can be asked for later.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from eksprov.errors import ProvisioningError
from eksprov.pins.lockfile import DIGEST

if TYPE_CHECKING:
    import urllib3

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 10.0
LARGEST = 4 * 1024 * 1024  # bytes; the specification's own suggestion for manifests
HUB, HUB_API = "docker.io", "registry-1.docker.io"  # where the images of Docker Hub are really asked for
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Reference:
    """An image as a registry knows it."""

    host: str
    repository: str
    tag: str


def reference(image: str) -> Reference:
    """Take an image's name apart; the first part is a host where it looks like one, else the image is Docker Hub's
    (https://github.com/distribution/reference/blob/main/normalize.go)."""
    head, _, last = image.rpartition("/")
    last, _, tag = last.partition(":")
    name = f"{head}/{last}" if head else last
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, name = first, rest
    else:
        host = HUB
    if host == HUB:
        host, name = HUB_API, name if "/" in name else f"library/{name}"
    return Reference(host, name, tag or "latest")


@dataclass(frozen=True)
class _RegistryAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Registry:
    """Asks registries. `pool` is for tests that bring a certificate authority of their own."""

    def __init__(self, pool: urllib3.PoolManager | None = None) -> None:
        self._pool = pool

    def digest(self, image: str) -> str:
        """`sha256:…` of the image's tag. Raises: ProvisioningError saying why it is not known."""
        from urllib3.exceptions import HTTPError

        asked = reference(image)
        url = f"https://{asked.host}/v2/{asked.repository}/manifests/{asked.tag}"
        try:
            return self._digest(image, url)
        except HTTPError as error:
            raise ProvisioningError(f"{asked.host} does not answer ({type(error).__name__})") from error

    def _digest(self, image: str, url: str) -> str:
        headers = {"Accept": ", ".join(MANIFESTS)}
        answer = self._ask("HEAD", url, headers)
        if answer.status == 401:
            headers["Authorization"] = f"Bearer {self._token(url, answer.headers.get('WWW-Authenticate', ''))}"
            answer = self._ask("HEAD", url, headers)
        _refuse(answer, url)
        if told := str(answer.headers.get("Docker-Content-Digest", "")):
            if DIGEST.fullmatch(told):
                return told
            raise ProvisioningError(f"{urlsplit(url).hostname} names no SHA-256 digest for {image}")
        answer = self._ask("GET", url, headers)
        _refuse(answer, url)
        return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"

    def _token(self, url: str, challenge: str) -> str:
        """A token for anybody, from the realm that the registry names."""
        asked = dict(_CHALLENGE.findall(challenge))
        realm = asked.pop("realm", "")
        if not challenge.lower().startswith("bearer ") or urlsplit(realm).scheme != "https":
            raise ProvisioningError(f"{urlsplit(url).hostname} wants credentials")
        query = urlencode({key: asked[key] for key in ("service", "scope") if key in asked})
        answer = self._ask("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", {"Accept": "application/json"})
        _refuse(answer, realm)
        try:
            found = json.loads(answer.body)
            token = found.get("token") or found.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not isinstance(token, str) or not token.isprintable():
            raise ProvisioningError(f"{urlsplit(realm).hostname} gives no token")
        return token

    def _ask(self, method: str, url: str, headers: Mapping[str, str]) -> _RegistryAnswer:
        import urllib3

        answer = self._connections().request(
            method,
            url,
            headers={"User-Agent": "eksprov", **headers},
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            retries=urllib3.Retry(total=3, connect=0, read=0, status=0, other=0, redirect=3),
            preload_content=False,
        )
        body = answer.read(LARGEST + 1)
        if len(body) > LARGEST:
            answer.close()
            raise ProvisioningError(f"{urlsplit(url).hostname} answers with more than a manifest")
        answer.release_conn()
        if urlsplit(answer.url or url).scheme == "http":
            raise ProvisioningError(f"{urlsplit(url).hostname} leads away from https")
        return _RegistryAnswer(answer.status, answer.headers, body)

    def _connections(self) -> urllib3.PoolManager:
        import urllib3

        if self._pool is None:
            proxy = urllib.request.getproxies().get("https")
            self._pool = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        return self._pool


def _refuse(answer: _RegistryAnswer, url: str) -> None:
    if answer.status != 200:
        said = {401: "wants credentials", 403: "refuses", 404: "does not have it", 429: "has had too many questions"}
        raise ProvisioningError(f"{urlsplit(url).hostname} {said.get(answer.status, f'answers {answer.status}')}")
