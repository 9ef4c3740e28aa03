"""How many pages of 200 entries a second the simulator serves: raw sockets here, the simulator in another process.

python benchmarks/simulator_pages.py [--pages 6000] [--gzip] [--connections 4]
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 200
DEFAULT_ENTRIES = 1_000_000


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=6000, help="pages to fetch")
    parser.add_argument("--connections", type=int, default=4, help="connections to fetch them on")
    parser.add_argument("--entries", type=int, default=DEFAULT_ENTRIES, help="entries of the simulated day")
    parser.add_argument("--gzip", action="store_true", help="ask for compressed pages")
    options = parser.parse_args()
    started = time.perf_counter()
    with simulator(options.entries) as about:
        ready = time.perf_counter() - started
        requests = [_request(about, offset, gzip=options.gzip) for offset in _offsets(options)]
        seconds, received = fetch(about["url"], requests, options.connections)
    print(
        f"simulator: {options.pages / seconds:,.0f} pages/s of {PAGE} entries, {received / seconds / 1e6:,.0f} MB/s "
        f"({options.connections} connections, gzip {'on' if options.gzip else 'off'}; "
        f"{options.entries:,} entries ready in {ready:.1f} s)"
    )


@contextmanager
def simulator(entries: int) -> Iterator[dict[str, Any]]:
    """Run the simulator in another process."""
    program = [sys.executable, "-m", "mulesoft_audit", "simulate", "--json", "--bulk", str(entries)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def fetch(url: str, requests: list[bytes], connections: int) -> tuple[float, int]:
    """Send the requests over that many connections, all of them always busy; return seconds and bytes."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    sockets = [socket.create_connection((host, port)) for _ in range(connections)]
    buffer, received = bytearray(1 << 20), 0
    started = time.perf_counter()
    for number in range(0, len(requests), connections):
        batch = requests[number : number + connections]
        for connection, request in zip(sockets, batch, strict=False):
            connection.sendall(request)
        for connection, _ in zip(sockets, batch, strict=False):
            received += _read_answer(connection, buffer)
    seconds = time.perf_counter() - started
    for connection in sockets:
        connection.close()
    return seconds, received


def _read_answer(connection: socket.socket, buffer: bytearray) -> int:
    count = connection.recv_into(buffer)
    head, _, _ = bytes(buffer[:1024]).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    total = len(head) + 4 + length
    while count < total:
        count += connection.recv_into(buffer)
    return count


def _offsets(options: argparse.Namespace) -> list[int]:
    last = max(1, options.entries - PAGE)
    return [number * PAGE % last for number in range(options.pages)]


def _request(about: dict[str, Any], offset: int, *, gzip: bool) -> bytes:
    organization = about["organizations"][1]["id"]
    body = json.dumps({"startDate": 0, "limit": PAGE, "offset": offset}).encode()
    head = (
        f"POST /audit/v2/organizations/{organization}/query HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {_token(about)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n" + ("Accept-Encoding: gzip\r\n" if gzip else "") + "\r\n"
    )
    return head.encode() + body


def _token(about: dict[str, Any]) -> str:
    if "token" not in about:
        connection = http.client.HTTPConnection(urlsplit(about["url"]).netloc)
        form = {"grant_type": "client_credentials", **{name: about[name] for name in ("client_id", "client_secret")}}
        connection.request("POST", "/accounts/api/v2/oauth2/token", json.dumps(form))
        about["token"] = json.load(connection.getresponse())["access_token"]
        connection.close()
    return str(about["token"])


if __name__ == "__main__":
    main()
