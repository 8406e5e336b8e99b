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
from eksprov.serving.runtimes.mlserver_schema import ServerSettings, check, read_json, unknown_keys
from eksprov.serving.runtimes.presets import Runtime

SERVER_SETTINGS: Final = "settings.json"

# Key; whether a value is harmless; what it would do.
_RULES: Final[tuple[tuple[str, Callable[[Any, Runtime], bool], str], ...]] = (
    ("host", lambda _, __: False, "the server has to listen at the pod's address, which eksprov sets"),
    ("http_port", lambda port, own: bool(port == own.http_port), "probes and Service look at port {http_port}"),
    ("grpc_port", lambda port, own: bool(port == own.grpc_port), "the pod's gRPC port is {grpc_port}"),
    ("metrics_port", lambda port, own: bool(port == own.metrics_port), "the pod's metrics port is {metrics_port}"),
    (
        "parallel_workers",
        lambda count, _: bool(count == 0),
        "workers end before the requests they have, and each holds the model once more; `replicas` scales",
    ),
    ("load_models_at_startup", lambda wanted, _: bool(wanted), "the model would not be loaded, no probe would pass"),
    ("model_repository_implementation", lambda value, _: value is None, "the model would be looked for elsewhere"),
    ("kafka_enabled", lambda wanted, _: not wanted, "the pod's network policy lets it reach DNS and HTTPS, no broker"),
    ("tracing_server", lambda value, _: not value, "the pod's network policy lets it reach DNS and HTTPS alone"),
    ("environments_dir", lambda path, _: str(path).startswith("/tmp/"), "the pod can write to /tmp alone"),
    ("metrics_dir", lambda path, _: str(path).startswith("/tmp/"), "the pod can write to /tmp alone"),
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
        if key in content and not harmless(getattr(settings, key), folder.runtime):
            said = why.format(**vars(folder.runtime)) if "{" in why else why
            raise folder.wrong(f"{file}: {key} cannot be set here: {said}", f"take {key} out of {SERVER_SETTINGS}")
    return tuple(warnings)
