"""What the programs of a local cluster are told of certificates: every flag and setting, with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane.commands import Layout, Ports

# What the four programs of a local cluster are told of certificates, and why; FOLDER is that of its keys.
OWN, DATABASE = "known by the cluster's CA", "an authority for the database alone: no user's certificate opens it"
FLAGS: dict[str, dict[str, str]] = {
    "etcd": {
        "--client-cert-auth": DATABASE,
        "--trusted-ca-file=FOLDER/etcd-ca.crt": DATABASE,
        "--cert-file=FOLDER/etcd.crt": DATABASE,
        "--key-file=FOLDER/etcd.key": DATABASE,
        "--peer-client-cert-auth": DATABASE,
        "--peer-trusted-ca-file=FOLDER/etcd-ca.crt": DATABASE,
        "--peer-cert-file=FOLDER/etcd.crt": DATABASE,
        "--peer-key-file=FOLDER/etcd.key": DATABASE,
        "--listen-client-urls=https://127.0.0.1:2": "nothing is spoken in the clear",
        "--advertise-client-urls=https://127.0.0.1:2": "the same",
        "--listen-peer-urls=https://127.0.0.1:3": "the same",
        "--initial-advertise-peer-urls=https://127.0.0.1:3": "the same",
        "--initial-cluster=local=https://127.0.0.1:3": "the same",
    },
    "kube-apiserver": {
        "--etcd-servers=https://127.0.0.1:2": "nothing is spoken in the clear",
        "--etcd-cafile=FOLDER/etcd-ca.crt": DATABASE,
        "--etcd-certfile=FOLDER/apiserver-etcd-client.crt": DATABASE,
        "--etcd-keyfile=FOLDER/apiserver-etcd-client.key": DATABASE,
        "--tls-cert-file=FOLDER/apiserver.crt": OWN,
        "--tls-private-key-file=FOLDER/apiserver.key": OWN,
        "--client-ca-file=FOLDER/ca.crt": "users with certificates are the cluster's own",
        "--service-account-issuer=https://issuer": "pods' tokens are the cluster's own",
        "--service-account-key-file=FOLDER/service-account.pub": "the same",
        "--service-account-signing-key-file=FOLDER/service-account.key": "the same",
        "--requestheader-client-ca-file=FOLDER/front-proxy-ca.crt": "who may speak for others has a CA to itself",
        "--proxy-client-cert-file=FOLDER/front-proxy-client.crt": "the same",
        "--proxy-client-key-file=FOLDER/front-proxy-client.key": "the same",
        "--kubelet-certificate-authority=FOLDER/ca.crt": "a log is read from the node itself",
        "--kubelet-client-certificate=FOLDER/apiserver-kubelet-client.crt": "and by the API server alone",
        "--kubelet-client-key=FOLDER/apiserver-kubelet-client.key": "the same",
    },
    "kube-controller-manager": {
        "--root-ca-file=FOLDER/ca.crt": "pods know the API server by it",
        "--service-account-private-key-file=FOLDER/service-account.key": "pods' tokens are the cluster's own",
        "--cluster-signing-cert-file=FOLDER/ca.crt": "what the cluster signs, it trusts",
        "--cluster-signing-key-file=FOLDER/ca.key": "the same",
    },
    "kube-scheduler": {},
}
OF_TLS = ("cert", "-ca-", "cafile", "-key", "keyfile", "tls", "https:", "insecure", "authority")


def layout(folder: Path) -> Layout:
    spec = ClusterSpec("a", "n", "1.36", "172.20.0.0/16", "https://issuer")
    return Layout(folder, spec, "", "http://127.0.0.1:9/a", folder / "e.sock", Ports(1, 2, 3))


@pytest.mark.parametrize("program", FLAGS)
def test_every_flag_of_tls_of_the_local_control_plane(program: str, tmp_path: Path) -> None:
    """Their minimum is TLS 1.2 by themselves
    (https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/, --tls-min-version)."""
    at = layout(tmp_path)
    told = [flag.replace(str(tmp_path / "pki"), "FOLDER").replace(str(tmp_path), "") for flag in at.arguments(program)]
    assert sorted(flag for flag in told if any(part in flag for part in OF_TLS)) == sorted(FLAGS[program])


@pytest.mark.parametrize("program", ["kube-controller-manager", "kube-scheduler"])
def test_the_local_programs_know_the_api_server_and_it_knows_them(program: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    layout(tmp_path).write_settings()
    found = json.loads((tmp_path / "config" / f"{program}.yaml").read_text())
    keys = tmp_path / "pki"
    assert [one["cluster"] for one in found["clusters"]] == [
        {"server": "https://127.0.0.1:1", "certificate-authority": str(keys / "ca.crt")}
    ]
    assert [one["user"] for one in found["users"]] == [
        {"client-certificate": str(keys / f"{program}.crt"), "client-key": str(keys / f"{program}.key")}
    ]
