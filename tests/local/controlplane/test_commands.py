"""Laws of the command lines: versions that can be played, and no door that is open to other users."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane.commands import Layout, Ports, emulated_version, service_ip
from eksprov.local.controlplane.find import COMPONENTS

SPEC = ClusterSpec("arn:c", "digits", "1.35", "10.100.0.0/16", "https://oidc.example/id/A")


def layout(folder: Path, emulated: str = "1.35") -> Layout:
    return Layout(folder, SPEC, emulated, "http://127.0.0.1:9/arn", folder / "e.sock", Ports(20001, 20002, 20003))


@pytest.mark.parametrize(("wanted", "said"), [("1.36", ""), ("v1.36.1", ""), ("1.35", "1.35"), ("1.33", "1.33")])
def test_one_program_plays_its_own_version_and_three_older_ones(wanted: str, said: str) -> None:
    assert emulated_version(wanted, "1.36.3") == said


@pytest.mark.parametrize("wanted", ["1.37", "1.32"])
def test_no_other_version_is_played(wanted: str) -> None:
    with pytest.raises(LocalWorldError, match=f"cannot act as {wanted}") as caught:
        emulated_version(wanted, "1.36.3")
    assert "from 1.33 to 1.36" in caught.value.hint


@pytest.mark.parametrize("wanted", ["", "1", "2.1", "1.x"])
def test_what_is_no_version_is_refused(wanted: str) -> None:
    with pytest.raises(LocalWorldError, match="no Kubernetes version"):
        emulated_version(wanted, "1.36.3")


def test_the_older_version_is_told_to_all_three_and_the_own_one_to_none(tmp_path: Path) -> None:
    told = {name for name in COMPONENTS if "--emulated-version=1.35" in layout(tmp_path).arguments(name)}
    assert told == {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}
    assert not any("emulated" in flag for name in COMPONENTS for flag in layout(tmp_path, "").arguments(name))


def test_every_listening_flag_is_loopback_with_client_certificates(tmp_path: Path) -> None:
    etcd = layout(tmp_path).arguments("etcd")
    listening = [flag for flag in etcd if flag.startswith("--listen-")]
    assert listening == [
        "--listen-client-urls=https://127.0.0.1:20002",
        "--listen-peer-urls=https://127.0.0.1:20003",
    ]
    assert {"--client-cert-auth", "--peer-client-cert-auth"} <= set(etcd)
    assert "--bind-address=127.0.0.1" in layout(tmp_path).arguments("kube-apiserver")
    for component in ("kube-controller-manager", "kube-scheduler"):
        assert "--secure-port=0" in layout(tmp_path).arguments(component)


def test_settings_are_private_and_name_what_they_are_for(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    at = layout(tmp_path)
    at.write_settings()
    files = {path.name: path for path in (tmp_path / "config").iterdir()}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    egress = json.loads(files["egress.yaml"].read_text())["egressSelections"]
    assert egress[0]["connection"]["transport"]["uds"]["udsName"] == str(tmp_path / "e.sock")
    webhook = json.loads(files["webhook.yaml"].read_text())
    assert webhook["clusters"][0]["cluster"] == {"server": "http://127.0.0.1:9/arn"}


def test_the_first_address_of_the_range_is_the_api_servers() -> None:
    assert service_ip("172.20.0.0/16") == "172.20.0.1"
