"""`python -m tests.storage_server`: the server as a process, until it is told to stop."""

from __future__ import annotations

import argparse
import json
import signal
import threading

from tests.storage_server.server import StorageServer


def main() -> None:
    """Serve until SIGTERM or SIGINT; say the address in one line first."""
    parser = argparse.ArgumentParser(prog="python -m tests.storage_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--bucket", action="append", help="create it at the start; default: audit-archive")
    parser.add_argument("--json", action="store_true", help='say {"url": ..., "port": ...}')
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with StorageServer(port=options.port, buckets=options.bucket or ("audit-archive",)) as server:
        said = json.dumps({"url": server.url, "port": server.port}) if options.json else server.url
        print(said, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
