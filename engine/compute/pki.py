"""Who may speak to whom: one certificate authority per cluster life, kept in memory, and one leaf for each role and name.

The authority's key is never written anywhere. A leaf says its role in OU and its name in CN; the scheduler's fence reads both.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Role = Literal["scheduler", "worker", "client"]
VALID = timedelta(days=400)
"""Longer than an engine lives without a restart; with the engine the authority is gone."""


@dataclass(frozen=True)
class Credentials:
    """The authority's certificate, a leaf and its private key, as PEM text. Passed on through a pipe or a 0600 file, nothing else."""

    ca: str
    cert: str
    key: str

    def context(self, *, server: bool) -> ssl.SSLContext:
        """Return a TLS context that shows this leaf and takes nobody whom this authority did not sign."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Everything runs over loopback or a tunnel: names of hosts say nothing, the role in the leaf does.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.ca)
        # The ssl module reads chains from files alone; this one has no name and is gone when it is closed.
        with os.fdopen(os.memfd_create("leaf"), "w") as chain:
            chain.write(self.cert + self.key)
            chain.flush()
            context.load_cert_chain(f"/proc/self/fd/{chain.fileno()}")
        return context


class Authority:
    """Signs the leaves of one cluster."""

    def __init__(self) -> None:
        """Make a new EC P-256 authority; a few milliseconds."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mimicry cluster")])
        basics = x509.BasicConstraints(ca=True, path_length=0)
        self._cert = self._signed(self._name, self._key.public_key(), basics)

    def _signed(self, subject: object, public: object, basics: object) -> str:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)  # type: ignore[arg-type]
            .issuer_name(self._name)
            .public_key(public)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            # A rig's clock may be behind ours.
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + VALID)
            .add_extension(basics, critical=True)  # type: ignore[arg-type]
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def leaf(self, role: Role, name: str) -> Credentials:
        """Return fresh credentials for `role` under `name`."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, role),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
            ]
        )
        cert = self._signed(subject, key.public_key(), x509.BasicConstraints(ca=False, path_length=None))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Credentials(self._cert, cert, private.decode())
