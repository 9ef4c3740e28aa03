"""Timestamps of seals, by an authority that openssl plays, and what a server gives that is none."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.evidence.keys import openssl, pair
from tests.evidence.sealed import checked

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import SourceError, UsageError
from mulesoft_audit.evidence.sealing import Sealer
from mulesoft_audit.evidence.signature import read_private_key
from mulesoft_audit.evidence.timestamp import timestamp_server
from mulesoft_audit.evidence.verification import Scope, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A server that answers each request with what `answer` makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.status = 200
        self.answer: Callable[[bytes], bytes] = self.stamp
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")
        subject = ["-subj", "/CN=tsa", "-addext", "extendedKeyUsage=critical,timeStamping"]
        files = ["-keyout", str(folder / "tsa.key"), "-out", str(folder / "tsa.pem")]
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = owner.answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(owner.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tsa"

    def stamp(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        files = ["-queryfile", str(self.folder / "query.tsq"), "-out", str(self.folder / "reply.tsr")]
        signer = ["-signer", str(self.folder / "tsa.pem"), "-inkey", str(self.folder / "tsa.key")]
        openssl("ts", "-reply", "-config", str(self.folder / "tsa.cnf"), *files, *signer)
        return (self.folder / "reply.tsr").read_bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    folder = tmp_path / "tsa"
    folder.mkdir()
    made = Authority(folder)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_a_seal_is_timestamped_and_openssl_verifies_that(authority: Authority, root: Path, tmp_path: Path) -> None:
    store, keys = LocalStore(root), pair(tmp_path)
    found = verify(store, Scope(offline=True))
    private = read_private_key(str(keys.private))
    Sealer(store, private, now=0, timestamp=timestamp_server(authority.url)).seal(found.news, found.result)
    sums = root / "evidence/seals/000001/SHA256SUMS"
    files = ["-data", str(sums), "-in", f"{sums}.tsr", "-CAfile", str(authority.folder / "tsa.pem")]
    done = subprocess.run(["openssl", "ts", "-verify", *files], capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout
    assert checked(root, keys).findings == []


def test_a_server_that_gives_no_timestamp_is_said(authority: Authority) -> None:
    ask = timestamp_server(authority.url)
    earlier = ask(b"another list")
    for answer in (b"", b"<html>", b"\x30\x03\x02\x01\x02", earlier, earlier[:-40]):
        authority.answer = lambda _, answer=answer: answer  # type: ignore[misc]  # bound now
        with pytest.raises(SourceError, match="no timestamp"):
            ask(b"a list")
    authority.answer, authority.status = authority.stamp, 503
    with pytest.raises(SourceError, match="no timestamp"):
        ask(b"a list")
    with pytest.raises(SourceError, match="does not respond"):
        timestamp_server("http://127.0.0.1:9/tsa")(b"a list")


def test_what_is_no_url_is_said() -> None:
    with pytest.raises(UsageError, match="--timestamp-server"):
        timestamp_server("ftp://example.org")


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="password") as refused:
        timestamp_server("https://user:hunter2@tsa.example/tsr")
    assert "hunter2" not in str(refused.value)
