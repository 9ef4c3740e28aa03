"""The CSV answer. Its columns are undocumented; these are the web console's."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from anypoint_simulator.catalogue import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = (
    *("Time", "Product", "Type", "Action", "Object"),
    *("User Name", "Connected App", "Environment", "Parent", "Payload"),
)


def as_csv(bodies: Iterable[bytes]) -> bytes:
    """Return a table with one row an entry."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(_row(json.loads(body)) for body in bodies)
    return out.getvalue().encode("utf-8", "replace")


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    objects = entry.get("objects") or [{}]
    payload = entry.get("payload") or {}
    platform, action = str(entry.get("platform", "")), str(entry.get("action", ""))
    moment = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
    return (
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        PRODUCTS.get(platform, (platform,))[0],
        _joined(objects, "objectType"),
        f"{action} - {payload['subaction']}" if payload.get("subaction") else action,
        _joined(objects, "objectName"),
        entry.get("userName") or "",
        entry.get("clientName") or "",
        _joined(objects, "environmentName"),
        _joined(objects, "parentId"),
        json.dumps(payload, ensure_ascii=False),
    )


def _joined(objects: list[dict[str, Any]], field: str) -> str:
    return "; ".join(str(item[field]) for item in objects if item.get(field))
