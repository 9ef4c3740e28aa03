"""The floor: read with `http.client`, inflate, compress with the collector's compressor and level, and nothing else.

It looks at no entry, cannot tell whether it has them all, and writes the answers as they are, not lines.
"""

from __future__ import annotations

import http.client
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from isal import isal_zlib

from benchmarks.task import given

if TYPE_CHECKING:
    from benchmarks.task import Task

LEVEL = 1  #: as mulesoft_audit.archive.part.LEVEL
GZIP = 31
PARAMETERS = "cursorPagination=true&doIncludeTotal=true&getVersionedObjectsInLogs=true"


def collect(task: Task) -> int:
    """Write every answer to the task's query into one gzip file; return how many there were."""
    connection = http.client.HTTPConnection(urlsplit(task.url).netloc, timeout=60)
    headers = {
        "Authorization": f"Bearer {_token(connection, task)}",
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip",
    }
    path = f"/audit/v2/organizations/{task.organization}/query?{PARAMETERS}"
    body: dict[str, Any] = {"startDate": task.start, "endDate": task.end, "ascending": True, "limit": 200}
    deflate = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, GZIP)
    pages = 0
    with (task.folder / "floor.json.gz").open("wb") as file:
        while True:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status}")
            if answer.headers.get("Content-Encoding") == "gzip":
                content = isal_zlib.decompress(content, GZIP)
            found = content.rfind(b'"cursor":"', -200)
            if found < 0:
                break
            body["cursor"] = content[found + 10 : content.index(b'"', found + 10)].decode()
            file.write(deflate.compress(content))
            pages += 1
        file.write(deflate.flush())
        file.flush()
        os.fsync(file.fileno())
    return pages


def _token(connection: http.client.HTTPConnection, task: Task) -> str:
    form = {"grant_type": "client_credentials", "client_id": task.client_id, "client_secret": task.client_secret}
    connection.request("POST", "/accounts/api/v2/oauth2/token", json.dumps(form), {"Content-Type": "application/json"})
    return str(json.load(connection.getresponse())["access_token"])


if __name__ == "__main__":
    print(collect(given()))
