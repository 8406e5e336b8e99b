"""Every setting of TLS: written down, place by place, and seen in handshakes.

A new place that speaks TLS, a setting that is gone, changed or added fails until its row in `support.tls_places` says
why. The flags of local control planes: tests/local/controlplane/test_tls_flags.py.
"""

from __future__ import annotations

import base64
import datetime
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.clock import VirtualClock
from support.tls_places import PLACES, everywhere, said

from eksprov.kube.client import KubeClient
from eksprov.kube.kubeconfig import Entry
from eksprov.local.controlplane.certs import ClusterCertificates
from eksprov.local.controlplane.process import AdminAccess
from eksprov.local.node.kubelet import KubeletEndpoint


def test_every_place_that_speaks_tls_says_what_it_should_and_nothing_else() -> None:
    assert everywhere() == {place: texts for place, (_, texts) in PLACES.items()}


WEAKER = (
    "def f():\n    context = ssl._create_unverified_context()",
    "def f():\n    context.check_hostname = False",
    "def f():\n    context.verify_mode = ssl.CERT_NONE",
    "def f():\n    context.options |= ssl.OP_NO_TLSv1_3",
    "def f():\n    return session.client('s3', verify=False)",
    "def f():\n    return urllib3.PoolManager(cert_reqs='CERT_NONE')",
    "def f():\n    return make(url, assert_hostname=False)",
    "def f():\n    return {'insecure-skip-tls-verify': True}",
    "async def f():\n    await session.get(url, verify_ssl=False)",
    "def f():\n    context.set_ciphers('ALL')",
    "def f():\n    settings.verify_ssl = False",
    "def f():\n    settings.assert_hostname = False",
    "def f():\n    return Configuration(host=server)",
    "def f():\n    pool.connection_pool_kw['cert_reqs'] = 'CERT_NONE'",
)


@pytest.mark.parametrize("source", WEAKER)
def test_whatever_makes_tls_weaker_is_a_place_too(source: str) -> None:
    assert set(said(source)) == {"f"}


Context = Callable[[Path], ssl.SSLContext]


def kube_client(pki: Path) -> ssl.SSLContext:
    client = KubeClient("https://127.0.0.1:1", base64.b64encode((pki / "ca.crt").read_bytes()).decode(), str, CLOCK)
    return client._client().rest_client.pool_manager.connection_pool_kw["ssl_context"]  # type: ignore[no-any-return]  # urllib3's


def admin(pki: Path) -> ssl.SSLContext:
    return AdminAccess("https://127.0.0.1:1", pki / "ca.crt", pki / "admin.crt", pki / "admin.key").ssl_context()


class _NoLogs:
    def log_file(self, *_: Any) -> None:
        """There is none."""

    def running(self, *_: Any) -> bool:
        """Nothing runs."""
        return False


def kubelet(pki: Path) -> ssl.SSLContext:
    endpoint = KubeletEndpoint(_NoLogs(), pki / "ca.crt", lambda: datetime.datetime.now(datetime.UTC))
    endpoint.use_certificate(pki / "node-n.crt", pki / "node-n.key")
    return endpoint._tls


CLOCK = VirtualClock()
CLIENTS: tuple[Context, ...] = (kube_client, admin)
ALL: tuple[Context, ...] = (*CLIENTS, kubelet)


@pytest.fixture(scope="module")
def two_clusters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Keys of two clusters that know nothing of each other."""
    folders = []
    for name in ("ours", "theirs"):
        keys = ClusterCertificates(tmp_path_factory.mktemp(name) / "pki")
        keys.write("172.20.0.1")
        keys.node_certificate("n", ["127.0.0.1"])
        folders.append(keys.folder)
    return folders[0], folders[1]


def test_every_place_that_makes_a_context_has_its_handshakes_here() -> None:
    made = {place for place, (_, texts) in PLACES.items() if any("create_default_context" in one for one in texts)}
    assert len(made) == len(ALL)


@pytest.mark.parametrize("make", ALL)
def test_a_context_verifies_the_other_side_against_one_ca_from_tls_1_2_on(
    two_clusters: tuple[Path, Path], make: Context
) -> None:
    context = make(two_clusters[0])
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is (make in CLIENTS)
    certificates: list[Any] = context.get_ca_certs()  # a subject is parts of pairs
    names = [dict(pair for part in one["subject"] for pair in part)["commonName"] for one in certificates]
    assert names == ["eksprov local ca"]


@dataclass(frozen=True)
class Side:
    """One end of a connection in memory."""

    context: ssl.SSLContext
    host: str = ""  # whom a client wants to speak with


def server(pki: Path, name: str = "apiserver", asks: bool = False) -> Side:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "ca.crt")
    return Side(context)


def shake(client: Side, server: Side) -> str | None:
    """The version they agree on. Raises: SSLError where one refuses the other."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.context.wrap_bio(down, up, server_hostname=client.host or None)
    theirs = server.context.wrap_bio(up, down, server_side=True)
    for _ in range(10):
        done = [_went(end.do_handshake) for end in (ours, theirs)]
        if all(done):
            break
    theirs.write(b"hello")  # with TLS 1.3 a client's certificate is judged after its own handshake
    assert ours.read() == b"hello"
    return ours.version()


def _went(step: Callable[[], None]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.mark.parametrize("make", CLIENTS)
def test_a_client_speaks_with_its_own_cluster_and_with_no_other(two_clusters: tuple[Path, Path], make: Context) -> None:
    ours, theirs = two_clusters
    client = Side(make(ours), "127.0.0.1")
    assert shake(client, server(ours)) in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake(client, server(theirs))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake(Side(client.context, "10.9.8.7"), server(ours))
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake(client, server(ours, "etcd"))  # of the same machine, but of another authority


def test_the_admin_shows_its_certificate(two_clusters: tuple[Path, Path]) -> None:
    ours, _ = two_clusters
    assert shake(Side(admin(ours), "127.0.0.1"), server(ours, asks=True))


def test_a_kubelet_serves_nobody_but_the_clusters_own(two_clusters: tuple[Path, Path]) -> None:
    ours, theirs = two_clusters
    served = Side(kubelet(ours))
    assert shake(Side(admin(ours), "127.0.0.1"), served)
    stranger = ssl.create_default_context(cafile=str(ours / "ca.crt"))
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate|certificate.required"):
        shake(Side(stranger, "127.0.0.1"), served)
    stranger.load_cert_chain(theirs / "admin.crt", theirs / "admin.key")
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate verify failed|unknown.ca"):
        shake(Side(stranger, "127.0.0.1"), served)


def test_a_kubeconfig_carries_the_clusters_ca_and_no_way_round_it() -> None:
    entry = Entry("n", "https://x.eks.amazonaws.com", "Q0E=", "n", "us-west-2", "/python")
    assert entry.cluster() == {"server": "https://x.eks.amazonaws.com", "certificate-authority-data": "Q0E="}
