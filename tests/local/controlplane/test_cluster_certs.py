"""Laws of a cluster's certificates: who trusts whom, for what, and who can read the keys."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import stat
import threading
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from eksprov.local.controlplane.certs import ClusterCertificates


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ClusterCertificates:
    certificates = ClusterCertificates(tmp_path_factory.mktemp("certs") / "pki")
    certificates.write("10.100.0.1")
    certificates.node_certificate("ip-10-0-1-7", ("10.0.1.7", "ip-10-0-1-7.us-west-2.compute.internal"))
    return certificates


def load(made: ClusterCertificates, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.path(f"{name}.crt").read_bytes())


def policy(made: ClusterCertificates, authority: str) -> PolicyBuilder:
    return PolicyBuilder().store(Store([load(made, authority)])).time(dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(
    ("name", "authority", "address"),
    [
        ("apiserver", "ca", "127.0.0.1"),
        ("apiserver", "ca", "localhost"),
        ("apiserver", "ca", "kubernetes.default.svc"),
        ("apiserver", "ca", "10.100.0.1"),
        ("etcd", "etcd-ca", "127.0.0.1"),
        ("node-ip-10-0-1-7", "ca", "10.0.1.7"),
        ("node-ip-10-0-1-7", "ca", "ip-10-0-1-7.us-west-2.compute.internal"),
    ],
)
def test_a_server_proves_its_address_to_whoever_trusts_its_authority(
    made: ClusterCertificates, name: str, authority: str, address: str
) -> None:
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        subject = x509.DNSName(address)
    verifier = policy(made, authority).build_server_verifier(subject)  # type: ignore[arg-type]  # one of the two
    assert verifier.verify(load(made, name), [])


@pytest.mark.parametrize(
    ("name", "authority", "common_name", "organization"),
    [
        ("admin", "ca", "eksprov:admin", "system:masters"),
        ("apiserver-kubelet-client", "ca", "kube-apiserver-kubelet-client", "system:masters"),
        ("kube-controller-manager", "ca", "system:kube-controller-manager", None),
        ("kube-scheduler", "ca", "system:kube-scheduler", None),
        ("front-proxy-client", "front-proxy-ca", "front-proxy-client", None),
        ("apiserver-etcd-client", "etcd-ca", "kube-apiserver-etcd-client", None),
    ],
)
def test_a_client_is_who_kubernetes_takes_it_for(
    made: ClusterCertificates, name: str, authority: str, common_name: str, organization: str | None
) -> None:
    certificate = load(made, name)
    certificate.verify_directly_issued_by(load(made, authority))
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        common_name
    ]
    groups = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert groups == ([organization] if organization else [])


def test_no_authority_speaks_for_another(made: ClusterCertificates) -> None:
    """A certificate that Kubernetes signs for a user must open neither etcd nor the front proxy."""
    for stranger in ("etcd-ca", "front-proxy-ca"):
        verifier = policy(made, stranger).build_server_verifier(x509.DNSName("localhost"))
        with pytest.raises(VerificationError):
            verifier.verify(load(made, "apiserver"), [])


def test_a_nodes_certificate_proves_no_other_address_and_no_client(made: ClusterCertificates) -> None:
    node = load(made, "node-ip-10-0-1-7")
    elsewhere = policy(made, "ca").build_server_verifier(x509.IPAddress(ipaddress.ip_address("10.0.1.8")))
    with pytest.raises(VerificationError):
        elsewhere.verify(node, [])
    usage = node.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_everything_is_the_owners_alone(made: ClusterCertificates) -> None:
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.folder.iterdir()} == {0o600}


def test_openssl_agrees_over_a_real_connection(made: ClusterCertificates) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made.path("ca.crt")))
    server.load_cert_chain(made.path("apiserver.crt"), made.path("apiserver.key"))
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(made.path("ca.crt")))
    client.load_cert_chain(made.path("admin.crt"), made.path("admin.key"))
    here, there = socket.socketpair()
    seen: list[object] = []

    def serve() -> None:
        with server.wrap_socket(there, server_side=True) as secured:
            certificate: Any = secured.getpeercert()  # there is one, for it was asked for
            seen.append(dict(pair for group in certificate["subject"] for pair in group))
            secured.sendall(b"ok")

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(here, server_hostname="127.0.0.1") as secured:
        assert secured.recv(2) == b"ok"
    thread.join(10)
    assert seen == [{"organizationName": "system:masters", "commonName": "eksprov:admin"}]
