"""`settings.json` of a model's folder, which MLServer puts before its environment: what would break the pod is refused.

Keys and defaults: https://github.com/SeldonIO/MLServer/blob/1.7.1/mlserver/settings.py. The pod's probes, Service and
network policy stand on the runtime's own ports and host; workers would end before the requests they have
(MLSERVER_PARALLEL_WORKERS is 0 for that); and the pod may reach DNS and HTTPS, no broker and no collector. Everything
else is the user's to choose and goes with the model's files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from eksprov.serving.inspection.folder import Folder
from eksprov.serving.runtimes.mlserver.flavour import GRPC_PORT, HTTP_PORT, METRICS_PORT
from eksprov.serving.runtimes.mlserver.schema import ServerSettings, check, read_json, unknown_keys

SERVER_SETTINGS: Final = "settings.json"

# Key; whether a value is harmless; what it would do.
_RULES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("host", lambda _: False, "the server has to listen at the pod's address, which eksprov sets"),
    ("http_port", lambda port: bool(port == HTTP_PORT), f"probes and Service look at port {HTTP_PORT}"),
    ("grpc_port", lambda port: bool(port == GRPC_PORT), f"the pod's gRPC port is {GRPC_PORT}"),
    ("metrics_port", lambda port: bool(port == METRICS_PORT), f"the pod's metrics port is {METRICS_PORT}"),
    (
        "parallel_workers",
        lambda count: bool(count == 0),
        "workers end before the requests they have, and each holds the model once more; `replicas` scales",
    ),
    ("load_models_at_startup", lambda wanted: bool(wanted), "the model would not be loaded, no probe would pass"),
    ("model_repository_implementation", lambda value: value is None, "the model would be looked for elsewhere"),
    ("kafka_enabled", lambda wanted: not wanted, "the pod's network policy lets it reach DNS and HTTPS, no broker"),
    ("tracing_server", lambda value: not value, "the pod's network policy lets it reach DNS and HTTPS alone"),
    ("environments_dir", lambda path: str(path).startswith("/tmp/"), "the pod can write to /tmp alone"),
    ("metrics_dir", lambda path: str(path).startswith("/tmp/"), "the pod can write to /tmp alone"),
)  # fmt: skip


def judged(folder: Folder) -> tuple[str, ...]:
    """Warnings about the folder's `settings.json`. Raises: UsageError for what the server would not start with, or
    what would keep its pod from answering."""
    if SERVER_SETTINGS not in folder.paths:
        return ()
    file = folder.root / SERVER_SETTINGS
    content = read_json(file, folder.name)
    check(content, ServerSettings, file, folder.name)
    warnings = unknown_keys(content, ServerSettings, file, folder.name)
    settings = ServerSettings.model_validate(content)
    for key, harmless, why in _RULES:
        if key in content and not harmless(getattr(settings, key)):
            raise folder.wrong(f"{file}: {key} cannot be set here: {why}", f"take {key} out of {SERVER_SETTINGS}")
    return tuple(warnings)
