"""The command lines and settings of the four processes, each flag with its reason. Pure but for writing files.

References: https://kubernetes.io/docs/reference/command-line-tools-reference/ and
https://etcd.io/docs/v3.6/op-guide/configuration/.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eksprov.errors import LocalWorldError
from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane.certs import FRONT_PROXY
from eksprov.local.home import write_private

# https://kubernetes.io/docs/concepts/cluster-administration/compatibility-version/: three minors back.
EMULATED_MINORS = 3
# What EKS has on beside Kubernetes' defaults (https://docs.aws.amazon.com/eks/latest/userguide/platform-versions.html):
# the second lets a pod that asks for a GPU tolerate the taint of GPU nodes.
ADMISSION = ("NodeRestriction", "ExtendedResourceToleration")


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one control plane."""

    apiserver: int
    etcd: int
    etcd_peer: int


@dataclass(frozen=True)
class Layout:
    """Everything the command lines of one cluster are made from; `emulated` is "1.35", or "" for the real one."""

    folder: Path
    spec: ClusterSpec
    emulated: str
    webhook_url: str
    egress_socket: Path
    ports: Ports

    @property
    def endpoint(self) -> str:
        """Where the API server answers."""
        return f"https://127.0.0.1:{self.ports.apiserver}"

    def arguments(self, component: str) -> tuple[str, ...]:
        """What follows the component's name on its command line."""
        makers: dict[str, Callable[[Layout], tuple[str, ...]]] = {
            "etcd": _etcd,
            "kube-apiserver": _apiserver,
            "kube-controller-manager": _controllers,
            "kube-scheduler": _scheduler,
        }
        return makers[component](self)

    def write_settings(self) -> None:
        """Write the files that the command lines name, into `folder/config` (which is there)."""
        files: dict[str, Any] = {
            "egress.yaml": _egress(self.egress_socket),
            "webhook.yaml": _kubeconfig({"server": self.webhook_url}, {}),
        }
        for component in ("kube-controller-manager", "kube-scheduler"):
            user = {"client-certificate": self._key(f"{component}.crt"), "client-key": self._key(f"{component}.key")}
            cluster = {"server": self.endpoint, "certificate-authority": self._key("ca.crt")}
            files[f"{component}.yaml"] = _kubeconfig(cluster, user)
        for name, content in files.items():
            write_private(self.folder / "config" / name, json.dumps(content, indent=1))  # JSON is YAML too

    def _key(self, name: str) -> str:
        return str(self.folder / "pki" / name)

    def _setting(self, name: str) -> str:
        return str(self.folder / "config" / name)


def emulated_version(wanted: str, real: str) -> str:
    """What `--emulated-version` has to say so that programs of version `real` act as `wanted`; "" for nothing.

    Raises `LocalWorldError` where they cannot.
    """
    wanted_minor, real_minor = _minor(wanted), _minor(real)
    if wanted_minor == real_minor:
        return ""
    if not real_minor - EMULATED_MINORS <= wanted_minor < real_minor:
        oldest = f"1.{real_minor - EMULATED_MINORS}"
        raise LocalWorldError(
            f"the local control plane is Kubernetes {real} and cannot act as {wanted}",
            f"Choose a version from {oldest} to 1.{real_minor} in the config.",
        )
    return f"1.{wanted_minor}"


def service_ip(service_cidr: str) -> str:
    """The address of the service `kubernetes`: the first of the range."""
    return str(ipaddress.ip_network(service_cidr)[1])


def _minor(version: str) -> int:
    words = version.removeprefix("v").split(".")
    if len(words) < 2 or words[0] != "1" or not words[1].isdigit():
        raise LocalWorldError(f"{version} is no Kubernetes version", 'Write it like "1.36".')
    return int(words[1])


def _etcd(at: Layout) -> tuple[str, ...]:
    client, peer = (f"https://127.0.0.1:{port}" for port in (at.ports.etcd, at.ports.etcd_peer))
    return (
        "--name=local",
        f"--data-dir={at.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        # Loopback ports are open to every user of the machine, so both ask for certificates.
        "--client-cert-auth",
        f"--trusted-ca-file={at._key('etcd-ca.crt')}",
        f"--cert-file={at._key('etcd.crt')}",
        f"--key-file={at._key('etcd.key')}",
        "--peer-client-cert-auth",
        f"--peer-trusted-ca-file={at._key('etcd-ca.crt')}",
        f"--peer-cert-file={at._key('etcd.crt')}",
        f"--peer-key-file={at._key('etcd.key')}",
        "--unsafe-no-fsync",  # the data is thrown away with the processes
        "--heartbeat-interval=50",  # ms; one member elects itself as soon as the election time-out is over
        "--election-timeout=250",
        "--log-level=warn",
    )


def _apiserver(at: Layout) -> tuple[str, ...]:
    return (
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",  # else a machine without network has none, and the server ends
        f"--secure-port={at.ports.apiserver}",
        f"--etcd-servers=https://127.0.0.1:{at.ports.etcd}",
        f"--etcd-cafile={at._key('etcd-ca.crt')}",
        f"--etcd-certfile={at._key('apiserver-etcd-client.crt')}",
        f"--etcd-keyfile={at._key('apiserver-etcd-client.key')}",
        f"--tls-cert-file={at._key('apiserver.crt')}",
        f"--tls-private-key-file={at._key('apiserver.key')}",
        f"--service-cluster-ip-range={at.spec.service_cidr}",
        "--allow-privileged=true",  # aws-node, kube-proxy and CSI drivers run privileged
        "--endpoint-reconciler-type=none",  # the loopback address that it would publish is not a valid endpoint
        "--enable-aggregator-routing=true",  # straight to pods: there is no kube-proxy that knows cluster IPs
        f"--egress-selector-config-file={at._setting('egress.yaml')}",
        "--shutdown-delay-duration=0s",
        "--profiling=false",
        *_authentication(at),
        *_to_kubelets(at),
        *_emulation(at),
    )


def _authentication(at: Layout) -> tuple[str, ...]:
    return (
        "--authorization-mode=Node,RBAC",
        f"--enable-admission-plugins={','.join(ADMISSION)}",
        f"--client-ca-file={at._key('ca.crt')}",
        f"--authentication-token-webhook-config-file={at._setting('webhook.yaml')}",
        "--authentication-token-webhook-version=v1",
        "--authentication-token-webhook-cache-ttl=2s",  # a changed access entry is seen soon
        f"--service-account-issuer={at.spec.oidc_issuer}",
        f"--service-account-key-file={at._key('service-account.pub')}",
        f"--service-account-signing-key-file={at._key('service-account.key')}",
        # An aggregated API (metrics.k8s.io) learns from these who is asking.
        f"--requestheader-client-ca-file={at._key('front-proxy-ca.crt')}",
        f"--requestheader-allowed-names={FRONT_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={at._key('front-proxy-client.crt')}",
        f"--proxy-client-key-file={at._key('front-proxy-client.key')}",
    )


def _to_kubelets(at: Layout) -> tuple[str, ...]:
    return (
        "--kubelet-preferred-address-types=InternalIP,Hostname",  # else the node's name is looked up in DNS first
        f"--kubelet-certificate-authority={at._key('ca.crt')}",
        f"--kubelet-client-certificate={at._key('apiserver-kubelet-client.crt')}",
        f"--kubelet-client-key={at._key('apiserver-kubelet-client.key')}",
    )


def _controllers(at: Layout) -> tuple[str, ...]:
    return (
        f"--kubeconfig={at._setting('kube-controller-manager.yaml')}",
        "--leader-elect=false",  # there is no second one
        "--secure-port=0",
        "--profiling=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={at._key('ca.crt')}",
        f"--service-account-private-key-file={at._key('service-account.key')}",
        f"--cluster-signing-cert-file={at._key('ca.crt')}",
        f"--cluster-signing-key-file={at._key('ca.key')}",
        "--horizontal-pod-autoscaler-sync-period=2s",
        *_emulation(at),
    )


def _scheduler(at: Layout) -> tuple[str, ...]:
    return (
        f"--kubeconfig={at._setting('kube-scheduler.yaml')}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        *_emulation(at),
    )


def _emulation(at: Layout) -> tuple[str, ...]:
    return (f"--emulated-version={at.emulated}",) if at.emulated else ()


def _egress(socket: Path) -> dict[str, Any]:
    through = {"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": str(socket)}}}
    return {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": through}],
    }


def _kubeconfig(cluster: dict[str, str], user: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": "local", "user": user}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        "current-context": "local",
    }
