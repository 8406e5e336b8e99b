"""The keys and certificates of one cluster: made fresh when it starts, thrown away when it ends.

Three authorities that don't trust one another: `ca` for the API server, its users and the nodes; `front-proxy-ca`
for what the API server shows to aggregated APIs; `etcd-ca` for the database alone, so that a certificate that
Kubernetes signs for a user never opens it (https://kubernetes.io/docs/setup/best-practices/certificates/).
Elliptic keys (P-256), because they are made in less than a millisecond. Everything is 0600.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

from eksprov.local.home import private_folder, write_private

VALID_FOR = dt.timedelta(days=365)
# Virtual machines that wake up may have a clock that runs behind.
BACKDATED_BY = dt.timedelta(hours=1)
MASTERS = "system:masters"
FRONT_PROXY = "front-proxy-client"
SERVER_NAMES = (
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class _Leaf:
    """One certificate: what it is signed by, whom it names, what it may be used for."""

    authority: str
    common_name: str
    organization: str = ""
    usages: tuple[x509.ObjectIdentifier, ...] = (Usage.CLIENT_AUTH,)
    addresses: tuple[str, ...] = ()


class ClusterCertificates:
    """The PEM files of one cluster below `folder`; `now` tells the time in UTC."""

    def __init__(self, folder: Path, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self.folder = folder
        self._now = now

    def path(self, name: str) -> Path:
        """Where `ca.crt`, `admin.key`, … lie."""
        return self.folder / name

    def write(self, service_ip: str) -> None:
        """Make everything that the control plane needs; `service_ip` is the first address of its service range."""
        private_folder(self.folder)
        for authority in ("ca", "front-proxy-ca", "etcd-ca"):
            self._write_authority(authority)
        both = (Usage.SERVER_AUTH, Usage.CLIENT_AUTH)
        local = ("127.0.0.1", "localhost")
        self._write_leaf(
            "apiserver", _Leaf("ca", "kube-apiserver", "", (Usage.SERVER_AUTH,), (*SERVER_NAMES, service_ip))
        )
        self._write_leaf("apiserver-kubelet-client", _Leaf("ca", "kube-apiserver-kubelet-client", MASTERS))
        self._write_leaf("apiserver-etcd-client", _Leaf("etcd-ca", "kube-apiserver-etcd-client"))
        self._write_leaf("etcd", _Leaf("etcd-ca", "etcd", "", both, local))
        self._write_leaf("front-proxy-client", _Leaf("front-proxy-ca", FRONT_PROXY))
        self._write_leaf("admin", _Leaf("ca", "eksprov:admin", MASTERS))
        for component in ("kube-controller-manager", "kube-scheduler"):
            self._write_leaf(component, _Leaf("ca", f"system:{component}"))
        self._write_service_account_keys()

    def node_certificate(self, name: str, addresses: Sequence[str]) -> tuple[Path, Path]:
        """(certificate, key) files of a kubelet's endpoint at these IPs and DNS names, signed by the cluster's CA."""
        leaf = _Leaf("ca", f"system:node:{name}", "system:nodes", (Usage.SERVER_AUTH,), tuple(addresses))
        self._write_leaf(f"node-{name}", leaf)
        return self.path(f"node-{name}.crt"), self.path(f"node-{name}.key")

    def _write_authority(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"eksprov local {name}")])
        certificate = (
            self._dated(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._write_pair(name, certificate, key)

    def _write_leaf(self, name: str, leaf: _Leaf) -> None:
        authority = x509.load_pem_x509_certificate(self.path(f"{leaf.authority}.crt").read_bytes())
        signer = _load_key(self.path(f"{leaf.authority}.key"))
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)]
        if leaf.organization:
            names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organization))
        issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = (
            self._dated(x509.Name(names), authority.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(leaf.usages), critical=False)
            .add_extension(issued_by, critical=False)
        )
        if leaf.addresses:
            alternatives = x509.SubjectAlternativeName([_general_name(address) for address in leaf.addresses])
            builder = builder.add_extension(alternatives, critical=False)
        self._write_pair(name, builder.sign(signer, hashes.SHA256()), key)

    def _dated(self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = self._now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED_BY)
            .not_valid_after(now + VALID_FOR)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _write_pair(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        write_private(self.path(f"{name}.key"), _private_pem(key))
        write_private(self.path(f"{name}.crt"), certificate.public_bytes(Encoding.PEM))

    def _write_service_account_keys(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        write_private(self.path("service-account.key"), _private_pem(key))
        write_private(self.path("service-account.pub"), public)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # PKCS#8 is what every component of Kubernetes and etcd reads for elliptic keys.
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no elliptic key")
    return key


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
