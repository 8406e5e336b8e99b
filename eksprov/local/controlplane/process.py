"""One cluster's control plane as four processes: started, watched, ended.

`ControlPlane.start` writes keys and settings, then starts all four at once: they wait for one another. What is
seen of them afterwards is asked, never pushed: `ready()`, `failed()`. Their data is thrown away with them, so
`stop` kills without ado, and `kill_recorded` does the same for the processes of an eksprov that is no more.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eksprov.errors import LocalWorldError
from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane import certs, commands, resources
from eksprov.local.controlplane.find import COMPONENTS, Binaries
from eksprov.local.controlplane.ports import free_ports
from eksprov.local.controlplane.record import MARKER, ProcessRecord
from eksprov.local.home import private_folder

READY_TIMEOUT_S = 2.0
END_TIMEOUT_S = 10.0
LAST_LINES = 8
RESTARTED = frozenset({"kube-controller-manager", "kube-scheduler"})
RESTARTS = 5  # each waits 10 s for the API server
# etcd preallocates a write-ahead log of 64 MiB; the four programs together hold about 380 MiB once ready.
DISK_BYTES = 512 * 1024**2
MEMORY_BYTES = 600 * 1024**2

Environ = Mapping[str, str]


@dataclass(frozen=True)
class AdminAccess:
    """A way into the cluster as `system:masters`, for what plays AWS's part in it; the paths are PEM files."""

    endpoint: str
    ca_path: Path
    client_cert_path: Path
    client_key_path: Path

    def ssl_context(self) -> ssl.SSLContext:
        """TLS that trusts this cluster alone and shows the admin's certificate."""
        context = ssl.create_default_context(cafile=str(self.ca_path))
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever this Python was built with
        context.load_cert_chain(self.client_cert_path, self.client_key_path)
        return context


class ControlPlane:
    """The processes of one cluster, below `folder` (made 0700).

    `webhook_url` is `TokenWebhook.url(spec.arn)`, `egress_socket` an `EgressServer`'s. `clock` gives seconds.
    `start` can be called once; every other method before, during and after it, from any thread.
    """

    def __init__(
        self,
        folder: Path,
        spec: ClusterSpec,
        binaries: Binaries,
        *,
        webhook_url: str,
        egress_socket: Path,
        environ: Environ = os.environ,
        clock: Callable[[], float] = time.monotonic,
        measure: resources.Measure = resources.measure,
    ) -> None:
        self.folder = folder
        self.spec = spec
        self._binaries = binaries
        self._webhook_url = webhook_url
        self._egress_socket = egress_socket
        self._environ = environ
        self._clock = clock
        self._measure = measure
        self._keys = certs.ClusterCertificates(folder / "pki")
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._record = ProcessRecord(folder)
        self._restarts: Counter[str] = Counter()
        self._layout: commands.Layout | None = None
        self._started_at = 0.0
        self._access: AdminAccess | None = None
        self._context: ssl.SSLContext | None = None
        self._stopped = False
        # A cluster may be deleted while another thread is still starting it: `stop` then ends what `start` made.
        self._starting = threading.RLock()

    def start(self) -> None:
        """Write keys and settings and start the four processes; returns at once.

        Raises `LocalWorldError` where memory or disk are too small, the version is none that these programs can
        play, a program does not start (those already started are ended again), or `stop` came first.
        """
        with self._starting:
            if self._stopped:
                raise LocalWorldError(f"the control plane of cluster {self.spec.name} was stopped before it started")
            self._start()

    def _start(self) -> None:
        emulated = commands.emulated_version(self.spec.version, self._binaries.version)
        private_folder(self.folder)
        resources.require(
            self.folder, f"the control plane of cluster {self.spec.name}", DISK_BYTES, MEMORY_BYTES, self._measure
        )
        for name in ("pki", "etcd", "logs", "config"):
            private_folder(self.folder / name)
        self._keys.write(commands.service_ip(self.spec.service_cidr))
        layout = commands.Layout(
            folder=self.folder,
            spec=self.spec,
            emulated=emulated,
            webhook_url=self._webhook_url,
            egress_socket=self._egress_socket,
            ports=commands.Ports(*free_ports(3)),
        )
        layout.write_settings()
        self._layout = layout
        self._access = AdminAccess(
            layout.endpoint, self._keys.path("ca.crt"), self._keys.path("admin.crt"), self._keys.path("admin.key")
        )
        self._context = self._access.ssl_context()
        self._started_at = self._clock()
        try:
            for component in COMPONENTS:
                self._spawn(component, layout.arguments(component))
        except BaseException:
            self.stop()
            raise

    def ready(self) -> bool:
        """Whether the API server says so itself (GET /readyz); waits 2 s at most for its answer."""
        if self._access is None or self._context is None or self._stopped:
            return False
        host, port = self._access.endpoint.removeprefix("https://").rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), timeout=READY_TIMEOUT_S, context=self._context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def address(self) -> tuple[str, str]:
        """(https://127.0.0.1:port, the CA as base64 PEM), as DescribeCluster returns them; after `start`."""
        access = self.admin
        return access.endpoint, base64.b64encode(access.ca_path.read_bytes()).decode()

    @property
    def admin(self) -> AdminAccess:
        """The way in with all rights; after `start`."""
        if self._access is None:
            raise RuntimeError("the control plane was not started")
        return self._access

    def node_certificate(self, name: str, addresses: Sequence[str]) -> tuple[Path, Path]:
        """(certificate, key) PEM files that the API server accepts from the kubelet at these IPs or DNS names.

        `name` names the files; asking again with the same name makes new ones. After `start`.
        """
        return self._keys.node_certificate(name, addresses)

    def running_s(self) -> float:
        """How long it has run, in seconds since `start`."""
        return self._clock() - self._started_at if self._access is not None else 0.0

    def failed(self) -> str | None:
        """Which process has ended by itself, and its last words; None while all run, and after `stop`.

        On a busy machine, controllers and scheduler give up before the API server is there: they are started again a
        few times, as a kubelet does.
        """
        if self._stopped:
            return None
        for component, child in list(self._children.items()):
            status = child.poll()
            if status is not None and not self._restarted(component, child):
                words = last_lines(self._log(component))
                return f"{component} ended with status {status}" + (f": {words}" if words else "")
        return None

    def _restarted(self, component: str, ended: subprocess.Popen[bytes]) -> bool:
        with self._starting:
            if component not in RESTARTED or self._stopped or self._layout is None:
                return False
            if self._children[component] is not ended:  # another thread did it
                return True
            self._restarts[component] += 1
            if self._restarts[component] > RESTARTS:
                return False
            self._spawn(component, self._layout.arguments(component))
            return True

    def stop(self) -> None:
        """End all processes and delete keys and data; logs stay. May be called twice, and before `start`."""
        with self._starting:
            self._stopped = True  # nothing is started from here on
        # Whoever asks how it stands meanwhile is answered, and does not wait for the processes' end.
        for child in self._children.values():
            _kill_group(child)
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(END_TIMEOUT_S)
        self._record.kill()
        for name in ("pki", "etcd", "config"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _spawn(self, component: str, arguments: Sequence[str]) -> None:
        command = (*self._binaries.command(component), *arguments)
        handle = os.open(self._log(component), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                cwd=self.folder,
                env=child_environment(self._environ, self.folder),
                start_new_session=True,
            )
        except OSError as error:
            raise LocalWorldError(f"{command[0]} does not start: {error.strerror}") from error
        finally:
            os.close(handle)
        self._children[component] = child
        self._record.add(component, child.pid)

    def _log(self, component: str) -> Path:
        return self.folder / "logs" / f"{component}.log"


def kill_recorded(folder: Path) -> list[str]:
    """End what a `ControlPlane` at `folder` left running, also where it was killed itself; their names.

    Never touches a process that only inherited a recorded pid.
    """
    return ProcessRecord(folder).kill()


def child_environment(environ: Environ, folder: Path) -> dict[str, str]:
    """What the children see of the environment: no credentials and no proxies, but a mark to find them by."""
    kept = {name: environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE") if name in environ}
    return {**kept, MARKER: str(folder.absolute())}


def last_lines(path: Path, count: int = LAST_LINES) -> str:
    """The end of a log file, in at most 4 KiB; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-count:])


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    # A child that was waited for has no process group any more, or another's.
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
