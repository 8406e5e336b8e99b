"""Where eksprov speaks TLS, and what it says there: every place in its sources, and the reason for each setting.

`everywhere` walks the sources; `PLACES` is what it should find. A minimum is demanded in words although this Python has
the same by itself: which it has is its builder's choice
(https://docs.python.org/3/using/configure.html#cmdoption-with-ssl-default-suites), and nothing that could be measured
here would tell.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import eksprov

SOURCES = Path(eksprov.__file__).parent
MAKERS = {
    "create_default_context", "SSLContext", "create_urllib3_context", "_create_unverified_context", "wrap_socket",
    "_create_default_https_context", "PoolManager", "ProxyManager", "HTTPSConnectionPool", "HTTPSConnection",
    "TCPConnector", "urlopen", "build_opener", "open_connection", "start_tls", "load_verify_locations",
    "load_default_certs", "set_ciphers", "set_default_verify_paths", "load_cert_chain", "disable_warnings",
    "Configuration",  # of the package `kubernetes`
}  # fmt: skip
KEYWORDS = {
    "ssl", "verify", "verify_ssl", "cert_reqs", "assert_hostname", "assert_fingerprint", "ssl_context", "sslcontext",
    "server_hostname", "use_ssl", "check_hostname", "ca_certs", "ca_cert_data", "ssl_minimum_version", "proxy_ssl",
    "proxies_config", "use_forwarding_for_https",
}  # fmt: skip
SETTINGS = {
    "minimum_version", "maximum_version", "verify_mode", "check_hostname", "options", "verify_flags", "sni_callback",
    "hostname_checks_common_name", "post_handshake_auth", "keylog_filename",
    "verify_ssl", "ssl_ca_cert", "cert_file", "key_file", "assert_hostname", "tls_server_name",
}  # fmt: skip  # the last line: of the package `kubernetes`
WORDS = ("insecure-skip", "insecureSkip", "tls-min", "tls-cipher", "skip-tls", "no-verify", "PYTHONHTTPSVERIFY")

MINIMUM = "context.minimum_version = ssl.TLSVersion.TLSv1_2"
# Place in the sources: what it says of TLS, in its order there, and why just that.
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "kube/client.py _tls": (
        "an EKS cluster is known by its own CA alone, never by those of the machine; the host's name is checked",
        ("ssl.create_default_context(cadata=pem)", MINIMUM),
    ),
    "kube/client.py KubeClient._client": (
        "every connection to a cluster has that context; what a proxy sees of it is no more than a tunnel",
        (
            "Configuration(host=self._server)",
            "self._api.rest_client.pool_manager.connection_pool_kw['ssl_context'] = self._tls",
        ),
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
    "local/node/containers/checks.py Prober._http": (
        "a kubelet's HTTPS probe does not verify "
        "(https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/)",
        ("ssl=False",),
    ),
    "local/node/containers/checks.py Prober._tcp": (
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
    "local/world.py ask": (
        "the local world's own port of this machine, in plain HTTP with a key, past all proxies",
        ("urllib.request.build_opener(urllib.request.ProxyHandler({}))",),
    ),
}


def _sets(target: ast.expr) -> bool:
    if isinstance(target, ast.Subscript):
        return isinstance(target.slice, ast.Constant) and target.slice.value in KEYWORDS
    return isinstance(target, ast.Attribute) and target.attr in SETTINGS


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
        if any(map(_sets, node.targets)):
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
