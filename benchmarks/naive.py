"""The naive way: `requests`, `json` both ways, `gzip` at its default level, one page after the other."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.task import given

if TYPE_CHECKING:
    from benchmarks.task import Task

PARAMETERS = {"cursorPagination": "true", "doIncludeTotal": "true", "getVersionedObjectsInLogs": "true"}


def collect(task: Task) -> int:
    """Write every entry of the task, a line each, into one gzip file; return how many."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {_token(session, task)}"
    url = f"{task.url}/audit/v2/organizations/{task.organization}/query"
    body: dict[str, Any] = {"startDate": task.start, "endDate": task.end, "ascending": True, "limit": 200}
    entries = 0
    with (task.folder / "naive.json.gz").open("wb") as file:
        with gzip.open(file, "wt", encoding="utf-8") as lines:
            while True:
                answer = session.post(url, params=PARAMETERS, json=body, timeout=60)
                answer.raise_for_status()
                page = answer.json()
                if not page["data"]:
                    break
                lines.write("".join(json.dumps(entry) + "\n" for entry in page["data"]))
                entries += len(page["data"])
                body["cursor"] = page["cursor"]
        file.flush()
        os.fsync(file.fileno())
    return entries


def _token(session: requests.Session, task: Task) -> str:
    form = {"grant_type": "client_credentials", "client_id": task.client_id, "client_secret": task.client_secret}
    answer = session.post(f"{task.url}/accounts/api/v2/oauth2/token", data=form, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


if __name__ == "__main__":
    print(collect(given()))
