"""Every setting of TLS: written down here, place by place, and seen in handshakes.

The sources are walked: a new place that speaks TLS, a setting that is gone, changed or added fails until its row here
says why. A minimum is demanded in words although this Python has the same by itself: which it has is its builder's
choice (https://docs.python.org/3/using/configure.html#cmdoption-with-ssl-default-suites), and nothing that could be
measured here would tell.
"""

from __future__ import annotations

import ast
import base64
import datetime
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.clock import VirtualClock

import eksprov
from eksprov.kube.client import KubeClient
from eksprov.kube.kubeconfig import Entry
from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane.certs import ClusterCertificates
from eksprov.local.controlplane.commands import Layout, Ports
from eksprov.local.controlplane.process import AdminAccess
from eksprov.local.node.kubelet import KubeletEndpoint

SOURCES = Path(eksprov.__file__).parent
MAKERS = {
    "create_default_context", "SSLContext", "create_urllib3_context", "_create_unverified_context", "wrap_socket",
    "_create_default_https_context", "PoolManager", "ProxyManager", "HTTPSConnectionPool", "HTTPSConnection",
    "TCPConnector", "urlopen", "build_opener", "open_connection", "start_tls", "load_verify_locations",
    "load_default_certs", "set_ciphers", "set_default_verify_paths", "load_cert_chain", "disable_warnings",
}  # fmt: skip
KEYWORDS = {
    "ssl", "verify", "verify_ssl", "cert_reqs", "assert_hostname", "assert_fingerprint", "ssl_context", "sslcontext",
    "server_hostname", "use_ssl", "check_hostname", "ca_certs", "ca_cert_data", "ssl_minimum_version", "proxy_ssl",
    "proxies_config", "use_forwarding_for_https",
}  # fmt: skip
SETTINGS = {
    "minimum_version", "maximum_version", "verify_mode", "check_hostname", "options", "verify_flags", "sni_callback",
    "hostname_checks_common_name", "post_handshake_auth", "keylog_filename",
}  # fmt: skip
WORDS = ("insecure-skip", "insecureSkip", "tls-min", "tls-cipher", "skip-tls", "no-verify", "PYTHONHTTPSVERIFY")

MINIMUM = "context.minimum_version = ssl.TLSVersion.TLSv1_2"
# Place in the sources: what it says of TLS, in its order there, and why just that.
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "kube/client.py _tls": (
        "an EKS cluster is known by its own CA alone, never by those of the machine; the host's name is checked",
        ("ssl.create_default_context(cadata=pem)", MINIMUM),
    ),
    "kube/client.py KubeClient._connections": (
        "every connection to a cluster has that context; what a proxy sees of it is no more than a tunnel",
        ("make(**arguments, ssl_context=self._tls, maxsize=16)",),
    ),
    "pins/registry.py Registry._connections": (
        "registries are public: urllib3's own context, which verifies against the machine's CAs "
        "(https://urllib3.readthedocs.io/en/stable/v2-migration-guide.html: TLS 1.2 and later)",
        ("urllib3.ProxyManager(proxy)", "urllib3.PoolManager()"),
    ),
    "local/controlplane/process.py AdminAccess.ssl_context": (
        "a local cluster is known by its own CA alone, and knows the admin by a certificate",
        (
            "ssl.create_default_context(cafile=str(self.ca_path))",
            MINIMUM,
            "context.load_cert_chain(self.client_cert_path, self.client_key_path)",
        ),
    ),
    "local/cluster.py _answers": (
        "whether a local API server answers is asked over the admin's context",
        ("http.client.HTTPSConnection(host, int(port), timeout=REQUEST_TIMEOUT_S, context=access.ssl_context())",),
    ),
    "local/node/rest.py KubeRest.__init__": (
        "the node agent has the context that it is given",
        ("aiohttp.TCPConnector(ssl=tls, limit=0)",),
    ),
    "local/node/kubelet.py KubeletEndpoint.__init__": (
        "a port of this machine is open to all its users: only a client with a certificate of the cluster's is served",
        (
            "ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca))",
            "self._tls.minimum_version = ssl.TLSVersion.TLSv1_2",
            "self._tls.verify_mode = ssl.CERT_REQUIRED",
        ),
    ),
    "local/node/kubelet.py KubeletEndpoint.use_certificate": (
        "the node's certificate, as often as it is made anew",
        ("self._tls.load_cert_chain(str(certificate), str(key))",),
    ),
    "local/node/kubelet.py KubeletEndpoint.start": (
        "the endpoint speaks nothing but TLS",
        ("ssl=self._tls",),
    ),
    "local/node/checks.py Prober._http": (
        "a kubelet's HTTPS probe does not verify "
        "(https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/)",
        ("ssl=False",),
    ),
    "local/node/checks.py Prober._tcp": (
        "a TCP probe opens a port of this machine and says nothing",
        ("asyncio.open_connection(LOOPBACK, local)",),
    ),
    "local/node/agent.py NodeAgent._main": (
        "probes and the credentials' endpoint, all on this machine; whatever says nothing else is verified",
        ("aiohttp.TCPConnector(limit=0, force_close=True)",),
    ),
    "local/controlplane/process.py ControlPlane.ready": (
        "whether the API server is ready is asked over the admin's context",
        ("http.client.HTTPSConnection(host, int(port), timeout=READY_TIMEOUT_S, context=self._context)",),
    ),
    "local/controlplane/egress.py EgressServer._connection": (
        "a tunnel: those at its ends speak TLS with each other",
        ("asyncio.open_connection(*target)",),
    ),
    "local/world.py _ask": (
        "the local world's own port of this machine, in plain HTTP with a key, past all proxies",
        ("urllib.request.build_opener(urllib.request.ProxyHandler({}))",),
    ),
}


class Walk(ast.NodeVisitor):
    """What a module says of TLS, by the function that says it."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._where: list[str] = []
        self._whole: set[int] = set()  # nodes that a larger one has told already

    def _inside(self, node: Any) -> None:
        self._where.append(node.name)
        self.generic_visit(node)
        self._where.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _inside  # noqa: N815 -- the library's names

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        spoken = [word for word in node.keywords if word.arg in KEYWORDS]
        if name in MAKERS or (name == "make" and spoken):
            self._say(node)
            self._whole |= {id(word) for word in spoken}
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg in KEYWORDS and id(node) not in self._whole:
            self._say(node)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, ast.Attribute) and target.attr in SETTINGS for target in node.targets):
            self._say(node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if getattr(node.target, "attr", "") in SETTINGS:
            self._say(node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and any(word in node.value for word in WORDS):
            self._say(node)

    def _say(self, node: ast.AST) -> None:
        self.found.setdefault(".".join(self._where) or "the module", []).append(ast.unparse(node))


def said(source: str) -> dict[str, list[str]]:
    walk = Walk()
    walk.visit(ast.parse(source))
    return walk.found


def everywhere() -> dict[str, tuple[str, ...]]:
    return {
        f"{path.relative_to(SOURCES).as_posix()} {where}": tuple(texts)
        for path in sorted(SOURCES.rglob("*.py"))
        for where, texts in said(path.read_text()).items()
    }


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
)


@pytest.mark.parametrize("source", WEAKER)
def test_whatever_makes_tls_weaker_is_a_place_too(source: str) -> None:
    assert set(said(source)) == {"f"}


Context = Callable[[Path], ssl.SSLContext]


def kube_client(pki: Path) -> ssl.SSLContext:
    client = KubeClient("https://127.0.0.1:1", base64.b64encode((pki / "ca.crt").read_bytes()).decode(), str, CLOCK)
    return client._connections().connection_pool_kw["ssl_context"]  # type: ignore[no-any-return]  # urllib3's


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
    names = [dict(pair for part in one["subject"] for pair in part)["commonName"] for one in context.get_ca_certs()]
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


def test_a_kubeconfig_carries_the_clusters_ca_and_no_way_round_it() -> None:
    entry = Entry("n", "https://x.eks.amazonaws.com", "Q0E=", "n", "us-west-2", "/python")
    assert entry.cluster() == {"server": "https://x.eks.amazonaws.com", "certificate-authority-data": "Q0E="}
