"""The model server of the local node listens and reads where the one in a container would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eksprov.local.node.containers.executions import container_ports, is_loopback
from eksprov.local.node.containers.model_server import here
from eksprov.local.node.containers.paths import back, translate
from eksprov.local.node.containers.standins import MLSERVER
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

ENV = dict(MLSERVER_SKLEARN.env)
MOUNTS = {"/mnt/models": Path("/h/volumes/model"), "/tmp": Path("/h/run"), "/tmp/deep": Path("/h/run/deep")}


@pytest.mark.parametrize(
    ("settings", "ports"),
    [
        (None, [8080, 8081, 8082]),
        ({"debug": False}, [8080, 8081, 8082]),
        ({"http_port": 9000}, [9000, 8081, 8082]),
        ({"http_port": "9000", "metrics_port": 9002}, [9000, 8081, 9002]),
        ({"host": "0.0.0.0"}, [8080, 8081, 8082]),
        ({"host": "127.0.0.1"}, []),
        ({"host": "localhost"}, []),
        ({"host": "::1"}, []),
        ({"http_port": "http"}, []),
        ({"http_port": None}, []),
        ([], [8080, 8081, 8082]),
    ],
)
def test_a_pods_ports_are_those_of_its_settings(settings: Any, ports: list[int], tmp_path: Path) -> None:
    if settings is not None:
        (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert container_ports(MLSERVER, ENV, tmp_path) == ports
    assert container_ports(MLSERVER, {**ENV, "MLSERVER_HOST": "127.0.0.1"}, tmp_path) == (
        ports if isinstance(settings, dict) and settings.get("host") == "0.0.0.0" else []
    )


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_a_pod_alone_reaches_is_known_by_its_address(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
    assert not is_loopback("digits-7d4b9c-x2x4q")  # a pod's own name, with IPv6


@pytest.mark.parametrize("path", ["/mnt/models", "/mnt/models/v1/m.joblib", "/tmp/deep/x", "/tmp/x"])
def test_a_host_path_goes_back_to_the_pods(path: str) -> None:
    assert back(translate(path, MOUNTS), MOUNTS) == path
    assert back("/elsewhere", MOUNTS) == "/elsewhere"


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("/mnt/models/m.joblib", "/h/model/m.joblib"),
        ("file:///mnt/models/m.joblib", "/h/model/m.joblib"),
        ("/mnt/models", "/h/model"),
        ("./m.joblib", "./m.joblib"),
        ("m.joblib", "m.joblib"),
        ("/h/model", "/h/model"),  # what MLServer takes where nothing is said
        ("/h/model/v1", "/h/model/v1"),
        ("s3://bucket/m.joblib", "s3://bucket/m.joblib"),
    ],
)
def test_a_uri_is_the_pods(uri: str, found: str) -> None:
    assert here(uri, "/h/model", "/mnt/models") == found


def test_files_of_this_machine_are_not_in_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.joblib"
    mine.write_bytes(b"x")
    for uri in (str(mine), f"file://{mine}", "/mnt/models/../mine.joblib", "/mnt/modelsX/m"):
        assert not Path(here(uri, "/h/model", "/mnt/models")).exists()
        assert Path(here(uri, "/h/model", "/mnt/models")).is_relative_to(tmp_path / "root")
