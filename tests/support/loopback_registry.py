"""A tiny container registry on loopback, over TLS, that hands a token to anybody as the public ones do."""

from __future__ import annotations

import hashlib
import json
import ssl
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import urllib3

from support.tls import HttpsServer, Seen, https_server

TOKEN = "a token for anybody"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class LoopbackRegistry:
    """`manifests` by "repository:tag"; switches for what registries do differently."""

    manifests: dict[str, bytes]
    asks_for_token: bool = True
    names_digest: bool = True
    realm: str = ""  # instead of its own
    moved: dict[str, str] = field(default_factory=dict)  # path to where it is now
    server: HttpsServer = field(default_factory=lambda: HttpsServer("", ""))

    def image(self, name: str) -> str:
        """The image's full name."""
        return f"{urlsplit(self.server.url).netloc}/{name}"

    def digest(self, name: str) -> str:
        """What the image's digest is."""
        return f"sha256:{hashlib.sha256(self.manifests[name]).hexdigest()}"

    def pool(self) -> urllib3.PoolManager:
        """Connections that trust its certificate authority and no other."""
        context = ssl.create_default_context(cadata=b64decode(self.server.ca_data).decode())
        return urllib3.PoolManager(ssl_context=context)

    def answer(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        url = urlsplit(seen.path)
        if url.path == "/token":
            scope = parse_qs(url.query)["scope"][0]
            return 200, {"Content-Type": "application/json"}, json.dumps({"token": f"{TOKEN} {scope}"}).encode()
        if url.path in self.moved:
            return 307, {"Location": self.moved[url.path]}, b""
        repository, _, tag = url.path.removeprefix("/v2/").partition("/manifests/")
        scope = f"repository:{repository}:pull"
        if self.asks_for_token and seen.headers.get("authorization") != f"Bearer {TOKEN} {scope}":
            realm = self.realm or f"{self.server.url}/token"
            return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="loopback",scope="{scope}"'}, b"{}"
        manifest = self.manifests.get(f"{repository}:{tag}")
        if manifest is None or INDEX not in seen.headers.get("accept", ""):
            return 404, {}, b"{}"
        digest = {"Docker-Content-Digest": self.digest(f"{repository}:{tag}")} if self.names_digest else {}
        return 200, {"Content-Type": INDEX, **digest}, manifest


@contextmanager
def loopback_registry(folder: Path) -> Iterator[LoopbackRegistry]:
    """Serve until the end of the block."""
    registry = LoopbackRegistry({})
    with https_server(folder, registry.answer) as registry.server:
        yield registry
