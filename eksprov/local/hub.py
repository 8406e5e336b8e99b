"""The Kubernetes half of the local world in one object: control planes and nodes of all local EKS clusters.

`Hub` implements `contract.KubernetesSide` over `controlplane` and `node`. Nothing it is asked takes time: each
cluster comes up on a thread of its own (programs found or built, control plane started, nodes' agent started), what
is wished for meanwhile is kept and carried out then, and what is under way is told by `cluster_status`.

The AWS half is made with the hub and the hub needs the AWS half, so the latter comes by `connect`. `close`, and
nothing else, waits; it must not be called while holding what the AWS half needs to answer.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from eksprov.errors import LocalWorldError
from eksprov.local.cluster import LocalCluster
from eksprov.local.contract import (
    AddonHealth,
    AddonSpec,
    AutoMode,
    AwsSide,
    ClusterSpec,
    ClusterStatus,
    Identity,
    NodeSpec,
)
from eksprov.local.controlplane import build
from eksprov.local.controlplane.find import Binaries
from eksprov.local.controlplane.process import kill_recorded
from eksprov.local.controlplane.progress import BuildProgress
from eksprov.local.controlplane.webhook import TokenWebhook
from eksprov.local.home import cache_home
from eksprov.local.node.agent import NodeAgent

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 30.0
ABSENT = ClusterStatus("absent")


class Ensure(Protocol):
    """How the control plane's programs are found or built; `build.ensure` in earnest."""

    def __call__(
        self,
        environ: Mapping[str, str],
        cache: Path,
        progress: Callable[[BuildProgress], None],
        cancel: threading.Event | None = None,
    ) -> Binaries: ...


class Hub:
    """All local clusters, below `home` (a folder of this local world alone)."""

    def __init__(self, home: Path, environ: Mapping[str, str] = os.environ, *, ensure: Ensure = build.ensure) -> None:
        self._home = home
        self._environ = environ
        self._ensure = ensure
        self._aws: AwsSide | None = None
        self._lock = threading.Lock()
        self._clusters: dict[str, LocalCluster] = {}
        self._ending: set[threading.Thread] = set()
        self._programs: concurrent.futures.Future[Binaries] | None = None
        self._progress = ""
        self._cancel = threading.Event()
        self._webhook = TokenWebhook(self._authenticate)
        self._webhook.start()
        kill_leftovers(home)

    def connect(self, aws: AwsSide) -> None:
        """Bring the AWS half; before the first cluster is started."""
        self._aws = aws

    def prefetch(self) -> None:
        """Begin to find or build the control plane's programs, so that a cluster need not wait for it."""
        with self._lock:
            if self._programs is None or (self._programs.done() and self._programs.exception() is not None):
                self._programs = concurrent.futures.Future()
                threading.Thread(
                    target=self._find_or_build, args=(self._programs,), name="kubernetes-build", daemon=True
                ).start()

    def build_progress(self) -> str:
        """One line about the build under way, "" when nothing is being built."""
        return self._progress

    def start_cluster(self, spec: ClusterSpec) -> None:
        """Bring a cluster up in the background. Where it has failed before, it is tried anew."""
        if self._aws is None:
            raise RuntimeError("the AWS half is not connected")
        known = self._clusters.get(spec.arn)
        if known is not None and known.status().state != "failed":  # asked unlocked: it may start a process again
            return
        with self._lock:
            if self._clusters.get(spec.arn) is not known:  # somebody else was quicker
                return
            digest = hashlib.sha256(spec.arn.encode()).hexdigest()[:8]
            folder = self._home / "clusters" / f"{digest}-{secrets.token_hex(3)}"
            cluster = LocalCluster(
                spec, folder, self._aws, self._environ, self._wait_for_programs, self._webhook.url(spec.arn)
            )
            self._clusters[spec.arn] = cluster
        if known is not None:
            self._end(known)
        cluster.start()

    def cluster_status(self, cluster_arn: str) -> ClusterStatus:
        """Where the cluster stands; "absent" for one that was never started or is being stopped."""
        cluster = self._clusters.get(cluster_arn)
        return ABSENT if cluster is None else cluster.status()

    def stop_cluster(self, cluster_arn: str) -> None:
        """End its pods, nodes and control plane in the background."""
        with self._lock:
            cluster = self._clusters.pop(cluster_arn, None)
        if cluster is not None:
            self._end(cluster)

    def add_nodes(self, cluster_arn: str, nodes: tuple[NodeSpec, ...]) -> None:
        """Have nodes register as soon as the cluster is up."""
        self._ask(cluster_arn, lambda agent: agent.add_nodes(nodes))

    def remove_nodes(self, cluster_arn: str, names: tuple[str, ...]) -> None:
        """Drain nodes and take them away."""
        self._ask(cluster_arn, lambda agent: agent.remove_nodes(names))

    def node_ready(self, cluster_arn: str, name: str) -> bool:
        """Whether the node is Ready in Kubernetes."""
        agent = self._agent(cluster_arn)
        return agent is not None and agent.node_ready(name)

    def set_auto_mode(self, cluster_arn: str, wish: AutoMode | None) -> None:
        """Make nodes for pods that find none, or no longer."""
        self._ask(cluster_arn, lambda agent: agent.set_auto_mode(wish))

    def install_addon(self, cluster_arn: str, addon: AddonSpec) -> None:
        """Apply the add-on's objects; again with another version or configuration to change it."""
        self._ask(cluster_arn, lambda agent: agent.install_addon(addon))

    def remove_addon(self, cluster_arn: str, name: str) -> None:
        self._ask(cluster_arn, lambda agent: agent.remove_addon(name))

    def addon_health(self, cluster_arn: str, name: str) -> AddonHealth:
        """Whether the add-on's workloads are available."""
        agent = self._agent(cluster_arn)
        return AddonHealth(False, "the cluster is not up") if agent is None else agent.addon_health(name)

    def sync_access(self, cluster_arn: str, policies: Mapping[str, str]) -> None:
        """Bind each access-policy group to its ClusterRole, and nothing else."""
        wanted = dict(policies)
        self._ask(cluster_arn, lambda agent: agent.sync_access(wanted))

    def close(self) -> None:
        """End every cluster and wait until no process is left. The hub cannot be used afterwards."""
        self._cancel.set()
        for arn in list(self._clusters):
            self.stop_cluster(arn)
        for thread in list(self._ending):
            thread.join(CLOSE_TIMEOUT_S)
        self._webhook.stop()
        kill_leftovers(self._home)

    def _ask(self, arn: str, wish: Callable[[NodeAgent], None]) -> None:
        cluster = self._clusters.get(arn)
        if cluster is not None:
            cluster.ask(wish)

    def _agent(self, arn: str) -> NodeAgent | None:
        cluster = self._clusters.get(arn)
        return None if cluster is None else cluster.agent

    def _end(self, cluster: LocalCluster) -> None:
        thread = threading.Thread(target=self._ended, args=(cluster,), name=f"end-{cluster.spec.name}", daemon=True)
        self._ending.add(thread)
        thread.start()

    def _ended(self, cluster: LocalCluster) -> None:
        try:
            cluster.stop()
        except (
            Exception
        ):  # the end of a thread that nobody joins for a result; leftovers are killed when the hub closes
            log.exception("cluster %s was not ended properly", cluster.spec.name)
        finally:
            self._ending.discard(threading.current_thread())

    def _authenticate(self, arn: str, token: str) -> Identity | None:
        return None if self._aws is None else self._aws.authenticate(arn, token)

    def _wait_for_programs(self, waiting: Callable[[str], None]) -> Binaries:
        """The programs, however long they take; `waiting` is told about the build now and then."""
        self.prefetch()
        programs = self._programs
        assert programs is not None
        while True:
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return programs.result(timeout=0.2)
            waiting(self._progress)

    def _find_or_build(self, programs: concurrent.futures.Future[Binaries]) -> None:
        def tell(progress: BuildProgress) -> None:
            self._progress = str(progress)

        try:
            programs.set_result(self._ensure(self._environ, cache_home(self._environ), tell, self._cancel))
        except LocalWorldError as error:
            programs.set_exception(error)
        except Exception as error:
            log.exception("the control plane's programs were not found or built")
            text = f"the local Kubernetes could not be built: {type(error).__name__}"
            programs.set_exception(LocalWorldError(text, "The local world's log has the details."))
        finally:
            self._progress = ""


def kill_leftovers(home: Path) -> list[str]:
    """End every process that a hub at `home` left behind (also where it was killed), and delete its clusters' files.

    Gives the names of what was ended. To be called when no hub runs at `home`.
    """
    names: list[str] = []
    for folder in sorted((home / "clusters").glob("*")):
        names += kill_recorded(folder / "nodes") + kill_recorded(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return names
