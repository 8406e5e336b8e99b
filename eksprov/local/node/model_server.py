"""What a model server's process runs: MLServer's own `start`, held to the addresses it was given.

    python -P model_server.py MODELS_FOLDER HTTP_PORT GRPC_PORT METRICS_PORT

`mlserver start` would let a `settings.json` beside the models choose host and ports; in a container these are its
own, here they would be this machine's. So they are set after the settings were read. Started as a file, so that
the process needs nothing of eksprov on its path. The internal names are those of the pinned MLServer.
"""

import asyncio
import sys


async def main(folder: str, http_port: int, grpc_port: int, metrics_port: int) -> None:
    """Serve the models in `folder` until SIGTERM."""
    from mlserver import MLServer  # type: ignore[import-untyped]  # ships no types
    from mlserver.cli.serve import load_settings  # type: ignore[import-untyped]  # ships no types

    settings, models = await load_settings(folder)
    settings.host = "127.0.0.1"
    settings.http_port = http_port
    settings.grpc_port = grpc_port
    settings.metrics_port = metrics_port
    await MLServer(settings).start(models)


if __name__ == "__main__":
    from mlserver.utils import install_uvloop_event_loop  # type: ignore[import-untyped]  # ships no types

    install_uvloop_event_loop()
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5])))
