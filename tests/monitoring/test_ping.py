"""Pings over HTTP: in order, in a bounded time, to nobody else, and never with the URL in what is logged."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.ping_service import CHECK, ping_service

from mulesoft_audit.monitoring.address import Kind, address
from mulesoft_audit.monitoring.ping import MOST_BYTES, Pinger, body_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 0.3  #: for a try, here


@contextmanager
def pinging(url: str) -> Iterator[tuple[Pinger, list[str]]]:
    """Yield a pinger and what is logged as a warning; wait for its pings at the end."""
    messages: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = logging.getLogger("mulesoft_audit.monitoring.ping")
    logger.addHandler(handler)
    pinger = Pinger(address(url), seconds=SECONDS, pause=0.05)
    try:
        yield pinger, messages
        pinger.close(5)
    finally:
        logger.removeHandler(handler)
    for message in messages:
        assert CHECK.strip("/") not in message


def test_pings_arrive_in_order_with_what_there_is_to_say() -> None:
    with ping_service() as service, pinging(service.url) as (pinger, warnings):
        pinger.send(Kind.START)
        pinger.send(Kind.FAIL, "Out of order.\nExit status 5.")
        pinger.send(Kind.SUCCESS, "3 new entries")
        pinger.send(Kind.LOG, "Stopped.")
    assert service.seen == [
        (f"{CHECK}/start", ""),
        (f"{CHECK}/fail", "Out of order.\nExit status 5."),
        (CHECK, "3 new entries"),
        (f"{CHECK}/log", "Stopped."),
    ]
    assert warnings == []


@pytest.mark.parametrize(
    ("statuses", "tries", "warned"),
    [
        ([200], 1, ""),
        ([201], 1, ""),
        ([503, 200], 2, ""),
        ([500, 500], 2, "the service responded 500"),
        ([404], 1, "the service responded 404"),
        ([429], 1, "the service responded 429"),
        ([302], 1, "it is redirected (302), which is not followed"),
    ],
)
def test_a_fault_is_tried_once_more_and_a_refusal_is_not(statuses: list[int], tries: int, warned: str) -> None:
    with ping_service() as service, ping_service() as elsewhere, pinging(service.url) as (pinger, warnings):
        service.statuses, service.location = list(statuses), elsewhere.url
        pinger.send(Kind.SUCCESS)
        pinger.close(5)
    assert len(service.seen) == tries
    assert elsewhere.seen == []
    assert warnings == ([f"A ping was not delivered: {warned}. The run goes on."] if warned else [])


def test_a_service_that_stays_away_is_one_warning() -> None:
    with ping_service() as service, pinging(service.url) as (pinger, warnings):
        service.statuses = [404, 404, 404]
        for _ in range(3):
            pinger.send(Kind.SUCCESS)
        pinger.close(5)
    assert len(service.seen) == 3
    assert len(warnings) == 1


def test_sending_waits_for_nobody_and_the_end_not_for_long() -> None:
    with ping_service() as service:
        service.hang = 3
        with pinging(service.url) as (pinger, warnings):
            began = time.monotonic()
            for _ in range(50):
                pinger.send(Kind.SUCCESS, "x" * 20_000)
            assert time.monotonic() - began < 0.1
            pinger.close(0.2)
            assert time.monotonic() - began < 0.6
            assert warnings == ["The last ping was not delivered within 0 s."]


def test_a_first_ping_that_hangs_does_not_keep_the_last_one_from_its_tries() -> None:
    with ping_service() as service, pinging(service.url) as (pinger, _):
        service.hang = 1
        pinger.send(Kind.START)
        service.wait(1)
        service.hang = 0
        pinger.send(Kind.SUCCESS)
        pinger.close(5)
    assert service.paths == ["/start", ""]


def test_a_service_that_drips_is_given_up_in_time() -> None:
    def drip(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=drops, args=(connection,), daemon=True).start()

    def drops(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        began = time.monotonic()
        with pinging(f"http://127.0.0.1:{server.getsockname()[1]}{CHECK}") as (pinger, warnings):
            pinger.send(Kind.SUCCESS)
        assert time.monotonic() - began < 2
    assert len(warnings) == 1


def test_nobody_listens_is_one_warning_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}{CHECK}"
    with pinging(url) as (pinger, warnings):
        pinger.send(Kind.SUCCESS)
    assert warnings == ["A ping was not delivered: no connection could be made. The run goes on."]


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with ping_service(self_signed(tmp_path)) as service, pinging(service.url) as (pinger, warnings):
        pinger.send(Kind.SUCCESS)
        pinger.close(5)
    assert service.seen == []
    assert warnings == ["A ping was not delivered: its certificate could not be verified. The run goes on."]


def test_a_certificate_that_is_vouched_for_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with ping_service(context) as service, pinging(service.url) as (pinger, warnings):
        pinger.send(Kind.SUCCESS)
        pinger.close(5)
    assert service.paths == [""]
    assert warnings == []


def test_pings_go_through_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def refuse(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=refuse, args=(server,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        with pinging(f"https://checks.example.org{CHECK}") as (pinger, warnings):
            pinger.send(Kind.SUCCESS)
    assert asked[0].startswith(b"CONNECT checks.example.org:443 ")
    assert CHECK.encode() not in b"".join(asked)
    assert warnings == ["A ping was not delivered: the proxy refused. The run goes on."]


def test_a_proxy_that_is_none_is_a_warning_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "://")
    with pinging(f"https://checks.example.org{CHECK}") as (pinger, warnings):
        pinger.send(Kind.SUCCESS)
    assert len(warnings) == 1
    assert "HTTPS_PROXY" in warnings[0]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("", b""),
        ("short", b"short"),
        ("x" * MOST_BYTES + "end", b"x" * (MOST_BYTES - 3) + b"end"),
        ("ü" * MOST_BYTES, "ü".encode() * (MOST_BYTES // 2)),
        ("ü" + "x" * (MOST_BYTES - 1), b"x" * (MOST_BYTES - 1)),
        ("\udc80", b"?"),
    ],
)
def test_the_end_of_a_long_text_is_what_is_sent(text: str, body: bytes) -> None:
    assert body_of(text) == body


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate for 127.0.0.1, which lies in `folder` as certificate.pem."""
    from ipaddress import IPv4Address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "checks")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    addresses = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    builder = builder.add_extension(addresses, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
