"""MLServer as the local world runs it, as a process of its own, behind a `KubeApi` that passes calls on to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import urllib3

from eksprov.kube.api import Reply, SlowAnswerError
from eksprov.local.node.containers import model_server
from eksprov.serving.runtimes.mlserver.flavour import MODELS_DIR
from support.journey import until
from support.memory_kube import MemoryKube

# Answers with what it was given, as the server decoded it; sleeps or fails where a column says so.
ECHO = """
import json, time
import pandas as pd
from mlserver import MLModel
from mlserver.codecs import NumpyRequestCodec, StringCodec
from mlserver.types import InferenceResponse

def plain(value):
    if value is None or isinstance(value, (str, bool)):
        return value
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value

class Echo(MLModel):
    async def predict(self, payload):
        given = self.decode_request(payload, default_codec=NumpyRequestCodec)
        if isinstance(given, pd.DataFrame):
            rows = [[plain(value) for value in row] for row in given.astype(object).itertuples(index=False)]
            told = {"columns": list(given.columns), "types": [str(one) for one in given.dtypes], "rows": rows}
            if "sleep" in told["columns"]:
                time.sleep(given["sleep"][0])
        else:
            told = {"shape": list(given.shape), "type": given.dtype.name, "cells": [plain(v) for v in given.flatten()]}
        output = StringCodec.encode_output("echo", [json.dumps(told)])
        return InferenceResponse(model_name=self.name, outputs=[output])
"""


class ServedModels(MemoryKube):
    """A cluster whose services lead to one model server."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False)

    def service_proxy(
        self,
        namespace: str,
        service: str,
        port: str,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """The server's own answer."""
        try:
            got = self._pool.request(method, f"/{path}", body=body, headers=JSON, timeout=timeout_s or 30.0)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise SlowAnswerError("no answer in time") from error
        return Reply(got.status, {}, got.data)


JSON = {"Content-Type": "application/json", "Connection": "close"}  # the server closes it after a failure anyway


@contextmanager
def served_models(folder: Path, **settings: Any) -> Iterator[ServedModels]:
    """Serve what lies in `folder` until the end of the block; beside it the model `echo`."""
    (folder / "echo").mkdir(parents=True)
    (folder / "echo" / "echo_model.py").write_text(ECHO)
    own = {"name": "echo", "implementation": "echo_model.Echo"}
    (folder / "echo" / "model-settings.json").write_text(json.dumps(own))
    (folder / "settings.json").write_text(json.dumps({"parallel_workers": 0, **settings}))
    with ExitStack() as stack:
        ports = [_free(stack) for _ in range(3)]
        stack.close()
        command = [sys.executable, "-P", model_server.__file__, str(folder), MODELS_DIR, *map(str, ports)]
        log = stack.enter_context((folder / "log").open("w"))
        environ = {**os.environ, "PYTHONPATH": str(folder / "echo")}
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=subprocess.STDOUT)
        try:
            models = ServedModels(ports[0])
            until(lambda: _ready(models) or process.poll() is not None, f"a model server; see {folder / 'log'}")
            yield models
        finally:
            process.terminate()
            process.wait(30)


def _ready(models: ServedModels) -> bool:
    try:
        return models.service_proxy("", "", "", "GET", "v2/models/echo/ready").status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _free(stack: ExitStack) -> int:
    server = stack.enter_context(socket.socket())
    server.bind(("127.0.0.1", 0))
    port: int = server.getsockname()[1]
    return port
