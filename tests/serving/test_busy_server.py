"""A server that is busy with a prediction, seen by the probes of its Deployment: the real MLServer, the node's probes.

A second of a probe is a twentieth of one here; the model sleeps for as long as its request says, in the loop that
answers everything else, as a slow `predict` of scikit-learn does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.model_server import served_models
from support.samples import spec

from eksprov.local.node.containers.checks import Prober
from eksprov.local.node.containers.probing import Probing
from eksprov.serving import manifests

pytestmark = [pytest.mark.real_time, pytest.mark.slow]

FASTER = 20
LONGEST_S = 60  # of a prediction; the default of predict_timeout_s
SECONDS = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds")
SLEEPER = """
import time
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Sleeper(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        time.sleep(float(payload.inputs[0].data[0]))
        outputs = [NumpyCodec.encode_output("predict", __import__("numpy").zeros((1, 1)))]
        return InferenceResponse(model_name=self.name, outputs=outputs)
"""
BEFORE = {  # as they were: what shows that the test can fail
    "readinessProbe": {
        "httpGet": {"path": "/v2/models/digits/ready", "port": "http"},
        "periodSeconds": 5,
        "timeoutSeconds": 2,
        "failureThreshold": 2,
    },
    "livenessProbe": {
        "httpGet": {"path": "/v2/health/live", "port": "http"},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": 6,
    },
}


def container() -> dict[str, Any]:
    """The server's container, as it is deployed."""
    deployment = manifests.of_model(spec())["model/digits/deployment"]
    one: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return one


def hurried(one: dict[str, Any]) -> dict[str, Any]:
    """The container with probes of shorter seconds, but for that of its start."""
    return {
        **one,
        **{
            name: {key: value / FASTER if key in SECONDS else value for key, value in probe.items()}
            for name, probe in one.items()
            if name in ("readinessProbe", "livenessProbe")
        },
    }


def written(folder: Path) -> Path:
    """The folder that the sleeping model's lies in."""
    (folder / "digits").mkdir()
    (folder / "digits" / "sleeper.py").write_text(SLEEPER)
    settings = {"name": "digits", "implementation": "sleeper.Sleeper"}
    (folder / "digits" / "model-settings.json").write_text(json.dumps(settings))
    return folder


class Watched:
    """What became of one container: each change of its readiness, and the probe that had it ended."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.ready: list[bool] = []
        self.is_ready = asyncio.Event()
        self.ended_by = ""

    def tell_ready(self, ready: bool) -> None:
        self.ready.append(ready)
        self.is_ready.set()


async def predicted(session: aiohttp.ClientSession, port: int, seconds: float) -> int:
    one = {"name": "s", "shape": [1], "datatype": "FP64", "data": [seconds]}
    url = f"http://127.0.0.1:{port}/v2/models/digits/infer"
    async with session.post(url, json={"inputs": [one]}) as response:
        return response.status


def busy(folder: Path, one: dict[str, Any], predictions: list[float]) -> tuple[Watched, list[int]]:
    """Probe a server that is given these predictions at once, each of so many seconds of a probe's."""
    with served_models(written(folder)) as served:
        return asyncio.run(probed(served.port, one, predictions))


async def probed(port: int, one: dict[str, Any], predictions: list[float]) -> tuple[Watched, list[int]]:
    watched = Watched()
    async with aiohttp.ClientSession() as session:
        prober = Prober(session, one, "10.0.0.1", {8080: port, 8081: port, 8082: port})
        probing = Probing(hurried(one), prober, lambda *_: None, asyncio.sleep)

        async def probe() -> None:
            watched.ended_by = await probing.run(watched.started.set, watched.tell_ready)

        task = asyncio.create_task(probe())
        await asyncio.wait_for(watched.started.wait(), 60)
        await asyncio.wait_for(watched.is_ready.wait(), 10)
        answers = await asyncio.gather(*(predicted(session, port, each / FASTER) for each in predictions))
        await asyncio.sleep(15 / FASTER)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return watched, answers


@pytest.mark.parametrize("predictions", [[LONGEST_S], [40, 40, 40]], ids=["the longest", "three that wait in line"])
def test_a_slow_prediction_costs_nobody_the_server(tmp_path: Path, predictions: list[float]) -> None:
    """It stays on the endpoints, so others wait for their answer instead of getting 503, and it is not restarted."""
    watched, answers = busy(tmp_path, container(), predictions)
    assert (watched.ready, watched.ended_by) == ([True], "")
    assert answers == [200] * len(predictions)


def test_probes_that_wait_for_the_loop_would_have_taken_it_for_dead(tmp_path: Path) -> None:
    watched, _ = busy(tmp_path, {**container(), **BEFORE}, [LONGEST_S + 40])
    assert watched.ready[:2] == [True, False]
    assert watched.ended_by == "liveness"
