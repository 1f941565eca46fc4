"""Certificates are checked: a partner's token goes to nobody who cannot prove to be that partner."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from offpeak.errors import PeerUnavailable
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.envelope import RequestIds
from offpeak.ocpi.peer_address import PeerAddressRule
from tests.ocpi.peer import Answering


def self_signed(directory: Path) -> Path:
    """Write a key and a certificate for localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = directory / "server.pem"
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def test_a_server_without_a_trusted_certificate_is_not_talked_to(tmp_path: Path) -> None:
    """C7"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with pytest.raises(PeerUnavailable, match="certificate"):
            OcpiClient(PeerAddressRule(loopback=True)).call(
                "GET", f"https://localhost:{server.server_address[1]}/", "token", ids=RequestIds("r", "c"), timeout_s=2
            )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
