"""What a model server's process runs: MLServer's own `start`, held to this machine's addresses and to the pod's files.

    python -P model_server.py MODELS_FOLDER FOLDER_IN_THE_POD HTTP_PORT GRPC_PORT METRICS_PORT

In a container host, ports and absolute paths are its own; here they would be this machine's. So they are set after the
settings were read: which ports the pod has instead, and whether it listens at its address at all, is for whoever
connects (`executions`). Started as a file, so that the process needs nothing of eksprov on its path. The internal names
are those of the pinned MLServer.
"""

import asyncio
import os
import sys
import urllib.parse


def here(path: str, folder: str, inside: str) -> str:
    """Where on this machine a path of the pod is: the models' folder is `inside` there; below the working folder's
    `root` is all else of the container, which is empty."""
    parsed = urllib.parse.urlparse(path, scheme="file")
    plain = os.path.normpath(parsed.path)
    within = plain == folder or plain.startswith(folder + "/")  # MLServer's own default
    if parsed.scheme != "file" or not plain.startswith("/") or within:
        return path
    if plain == inside or plain.startswith(inside + "/"):
        return folder + plain[len(inside) :]
    return os.path.join(os.getcwd(), "root") + plain


async def main(folder: str, inside: str, http_port: int, grpc_port: int, metrics_port: int) -> None:
    """Serve the models in `folder` until SIGTERM."""
    from mlserver import MLServer  # type: ignore[import-untyped]  # ships no types
    from mlserver.cli.serve import load_settings  # type: ignore[import-untyped]  # ships no types

    settings, models = await load_settings(folder)
    settings.host = "127.0.0.1"
    settings.http_port = http_port
    settings.grpc_port = grpc_port
    settings.metrics_port = metrics_port
    if isinstance(settings.logging_settings, str):
        settings.logging_settings = here(settings.logging_settings, folder, inside)
    for model in models:
        if model.parameters and model.parameters.uri:
            model.parameters.uri = here(model.parameters.uri, folder, inside)
    await MLServer(settings).start(models)


if __name__ == "__main__":
    from mlserver.utils import install_uvloop_event_loop  # type: ignore[import-untyped]  # ships no types

    install_uvloop_event_loop()
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))
