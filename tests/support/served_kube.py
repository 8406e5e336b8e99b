"""A cluster in memory behind a real HTTPS endpoint, so that processes can use it as they use a real one.

It speaks the part of the API that `eksprov.kube.client` asks for; whose token it is, nobody checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from eksprov.errors import ProvisioningError
from eksprov.kube.api import ConflictError, Ref
from eksprov.kube.resources import KNOWN
from support.memory_kube import MemoryKube
from support.tls import HttpsServer, Seen, https_server

Answer = tuple[int, dict[str, str], bytes]
KINDS = {(version, resource.plural): kind for (version, kind), resource in KNOWN.items()}
PROXY = re.compile(r"/api/v1/namespaces/([^/]+)/services/([^/:]+):([^/]+)/proxy/(.*)")
OBJECT = re.compile(r"/(?:api|apis/([^/]+))/([^/]+)(?:/namespaces/([^/]+)(?=/))?/([^/]+)(?:/([^/]+))?(/log)?")


@contextmanager
def served_kube(folder: Path, cluster: Callable[[Seen], MemoryKube]) -> Iterator[HttpsServer]:
    """Serve whichever `cluster` says that a request is for."""
    with https_server(folder, lambda seen: answered(cluster(seen), seen)) as server:
        yield server


def answered(api: MemoryKube, seen: Seen) -> Answer:
    """One request, as an API server answers it."""
    url = urlsplit(seen.path)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    try:
        if url.path == "/version":
            return _json({"gitVersion": api.server_version()})
        if found := PROXY.fullmatch(url.path):
            namespace, service, port = (unquote(part) for part in found.groups()[:3])
            reply = api.service_proxy(namespace, service, port, seen.method, found[4], seen.body or None)
            return reply.status, dict(reply.headers), reply.body
        return _object(api, seen, url.path, query)
    except ConflictError as error:
        causes = [{"reason": "FieldManagerConflict", "message": f'conflict with "{one}"'} for one in error.managers]
        status = {"kind": "Status", "reason": "Conflict", "message": error.message, "details": {"causes": causes}}
        return _json(status, 409)
    except ProvisioningError as error:
        return _json({"kind": "Status", "reason": "Invalid", "message": error.message}, 422)


def _object(api: MemoryKube, seen: Seen, path: str, query: dict[str, str]) -> Answer:
    parts = OBJECT.fullmatch(path)
    version = "/".join(filter(None, parts.group(1, 2))) if parts else ""
    if parts is None or (version, parts[4]) not in KINDS:
        return _json({"kind": "Status", "reason": "NotFound", "message": f"no such path: {path}"}, 404)
    kind, space, name = KINDS[version, parts[4]], unquote(parts[3] or ""), unquote(parts[5] or "")
    if not name:
        return _json({"items": api.list(version, kind, space, query.get("labelSelector", "")), "metadata": {}})
    if parts[6]:
        return 200, {}, "".join(f"{line}\n" for line in api.logs(space, name, query["container"])).encode()
    ref = Ref(version, kind, space, name)
    if seen.method == "PATCH":
        how = {"force": query.get("force") == "true", "dry_run": "dryRun" in query}
        return _json(api.apply_as(query["fieldManager"], json.loads(seen.body), **how))
    there = api.get(ref)
    if there is None:
        return _json({"kind": "Status", "reason": "NotFound", "message": f"{ref.title} not found"}, 404)
    if seen.method == "DELETE":
        api.delete(ref, uid=json.loads(seen.body or b"{}").get("preconditions", {}).get("uid", ""))
    return _json(there)


def _json(found: dict[str, Any], status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(found).encode()
