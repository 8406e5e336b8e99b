"""One local EKS cluster: its control plane, egress and nodes' agent, brought up and ended together."""

from __future__ import annotations

import http.client
import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from eksprov.errors import LocalWorldError
from eksprov.local.contract import AwsSide, ClusterSpec, ClusterStatus
from eksprov.local.controlplane import resources
from eksprov.local.controlplane.egress import EgressServer
from eksprov.local.controlplane.find import Binaries
from eksprov.local.controlplane.process import AdminAccess, ControlPlane, kill_recorded
from eksprov.local.home import private_folder, socket_path
from eksprov.local.node.agent import NodeAgent, Surroundings
from eksprov.local.node.network import DialTable

log = logging.getLogger(__name__)

# The control plane holds 380 MiB once ready, its pods come on top (an MLServer 220 MiB).
MEMORY_BYTES = 1024**3
DISK_BYTES = 512 * 1024**2
READY_TIMEOUT_S = 180.0
POLL_S = 0.1
REQUEST_TIMEOUT_S = 2.0
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"

Programs = Callable[[Callable[[str], None]], Binaries]
Wish = Callable[[NodeAgent], None]


class _Stopped(Exception):  # noqa: N818 - the way out of a start that nobody wants any more
    pass


class LocalCluster:
    """`programs` gives the control plane's programs, telling its argument what it waits for meanwhile."""

    def __init__(
        self,
        spec: ClusterSpec,
        folder: Path,
        aws: AwsSide,
        environ: Mapping[str, str],
        programs: Programs,
        webhook_url: str,
    ) -> None:
        self.spec = spec
        self.agent: NodeAgent | None = None
        self._folder = folder
        self._aws = aws
        self._environ = environ
        self._programs = programs
        self._webhook_url = webhook_url
        self._lock = threading.Lock()
        self._wishes: list[Wish] = []
        self._stopped = threading.Event()
        self._plane: ControlPlane | None = None
        self._egress: EgressServer | None = None
        self._status = ClusterStatus("starting", message="looking for Kubernetes")
        self._thread = threading.Thread(target=self._bring_up, name=f"start-{spec.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def status(self) -> ClusterStatus:
        """Where it stands; a control plane that ended by itself is a failure."""
        status, plane = self._status, self._plane
        if status.state == "ready" and plane is not None:
            problem = plane.failed()
            if problem:
                hint = "delete the cluster and create it again"
                return ClusterStatus("failed", message=f"the control plane has ended: {problem}; {hint}")
        return status

    def ask(self, wish: Wish) -> None:
        """Carry out `wish` now, or as soon as the agent is there."""
        with self._lock:
            if self.agent is None:
                self._wishes.append(wish)
                return
        wish(self.agent)

    def stop(self) -> None:
        """End everything and delete its files; waits."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(READY_TIMEOUT_S)
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self) -> None:
        """End what was started, pods first."""
        if self.agent is not None:
            self.agent.stop()
        if self._plane is not None:
            self._plane.stop()
        if self._egress is not None:
            self._egress.stop()
        kill_recorded(self._folder / "nodes")

    def _bring_up(self) -> None:
        try:
            self._start()
        except _Stopped:
            return
        except LocalWorldError as error:
            self._fail(f"{error.message}. {error.hint}".removesuffix(". ") if error.hint else error.message)
        except Exception as error:
            log.exception("cluster %s does not start", self.spec.name)
            self._fail(f"Kubernetes does not start: {type(error).__name__}; the local world's log has the details")

    def _start(self) -> None:
        binaries = self._programs(self._waiting)
        self._say("starting the control plane")
        private_folder(self._folder)
        resources.require(
            self._folder, f"Kubernetes of cluster {self.spec.name}", DISK_BYTES, MEMORY_BYTES, hint=_memory_hint()
        )
        dial = DialTable()
        socket = socket_path(self._folder, "egress.sock", self._environ)
        self._egress = EgressServer(socket, dial.dial)
        self._egress.start()
        self._plane = ControlPlane(
            self._folder,
            self.spec,
            binaries,
            webhook_url=self._webhook_url,
            egress_socket=socket,
            environ=self._environ,
        )
        self._plane.start()
        self._wait(self._plane, self._plane.ready, "the API server")
        self._wait(self._plane, lambda: _answers(self._plane_admin(), DEFAULT_ACCOUNT), "the default service account")
        self._start_agent(self._plane, dial, kubelet_version(self.spec.version, binaries.version))
        endpoint, authority = self._plane.address()
        self._status = ClusterStatus("ready", endpoint, authority)

    def _start_agent(self, plane: ControlPlane, dial: DialTable, version: str) -> None:
        around = Surroundings(
            spec=self.spec,
            kubelet_version=version,
            access=plane.admin,
            certify=plane.node_certificate,
            dial=dial,
            folder=self._folder / "nodes",
            aws=self._aws,
        )
        agent = NodeAgent(around)
        agent.start()
        with self._lock:
            self.agent, wishes = agent, self._wishes
            self._wishes = []
            for wish in wishes:
                wish(agent)

    def _plane_admin(self) -> AdminAccess:
        assert self._plane is not None
        return self._plane.admin

    def _wait(self, plane: ControlPlane, holds: Callable[[], bool], what: str) -> None:
        while not holds():
            problem = plane.failed()
            if problem:
                raise LocalWorldError(f"the control plane does not start: {problem}")
            if plane.running_s() > READY_TIMEOUT_S:
                raise LocalWorldError(
                    f"{what} is not ready after {READY_TIMEOUT_S:.0f} s", "This machine may be too busy: try again."
                )
            self._say(f"waiting for {what}")
            if self._stopped.wait(POLL_S):
                raise _Stopped

    def _waiting(self, progress: str) -> None:
        if self._stopped.is_set():
            raise _Stopped
        self._say(progress or "looking for Kubernetes")

    def _say(self, message: str) -> None:
        self._status = ClusterStatus("starting", message=message)

    def _fail(self, message: str) -> None:
        log.error("cluster %s: %s", self.spec.name, message)
        self._end()
        self._status = ClusterStatus("failed", message=message)


def kubelet_version(cluster: str, binaries: str) -> str:
    """The version nodes report: the programs' own ("v1.36.3"), or the emulated minor's first ("v1.35.0")."""
    return f"v{binaries}" if binaries.startswith(cluster + ".") else f"v{cluster}.0"


def _memory_hint() -> str:
    return "Close other programs, or delete a local cluster that is not needed."


def _answers(access: AdminAccess, path: str) -> bool:
    """Whether the API server answers 200 to the admin."""
    host, port = access.endpoint.removeprefix("https://").rsplit(":", 1)
    connection = http.client.HTTPSConnection(host, int(port), timeout=REQUEST_TIMEOUT_S, context=access.ssl_context())
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
