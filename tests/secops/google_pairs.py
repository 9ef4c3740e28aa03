"""Holding the emulator against what Google's own engine made of lines: a program, for a checkout of content-hub.

    python -m tests.secops.google_pairs CHECKOUT

CHECKOUT is one of github.com/chronicle/content-hub. For each parser of third parties with test data it runs the parser
over the raw lines and compares the events with those that are expected there, times and log type left out, as the
project's own script does. Nothing of that repository is kept here.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from tests.secops.cbn.run import Dropped, Parser
from tests.secops.cbn.syntax import Unknown
from tests.secops.cbn.tokens import Failure
from tests.secops.udm import document_of, parsed, udm_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EQUAL, DIFFERENT, REFUSED, FAILED = "equal", "different", "refused", "failed"


def main() -> None:
    """Print, for each parser, how many events are equal."""
    root = Path(sys.argv[1]) / "content" / "parsers" / "third_party"
    told = "-v" in sys.argv
    total: Counter[str] = Counter()
    for folder in sorted(root.glob("**/testdata")):
        counts: Counter[str] = Counter()
        for outcome, why in compared(folder):
            counts[outcome] += 1
            if told and outcome != EQUAL:
                print(f"  {outcome}: {why[:300]}")
        total += counts
        print(f"{folder.parent.parent.name:32} {dict(counts)}")
    print(f"{total[EQUAL]} of {total.total()} events are equal; {dict(total)}")


def compared(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield, for each expected event of one parser, how the emulator's compares, and why."""
    raw = json.loads(next(folder.glob("raw_logs/*.json")).read_text("utf-8"))["raw_logs"]["entries"]
    events = json.loads(next(folder.glob("expected_events/*.json")).read_text("utf-8"))["events"]
    wanted = [event["event"]["idm"]["readOnlyUdm"] for event in events]
    try:
        parser = Parser(next(folder.parent.glob("*.conf")).read_text("utf-8"))
    except Unknown as error:
        yield from [(REFUSED, str(error))] * len(wanted)
        return
    for line in raw:
        try:
            found = parser.run(line["data"])
        except (Unknown, Failure, Dropped) as error:
            if isinstance(error, Dropped) and len(wanted) == 0:
                continue
            if wanted and not isinstance(error, Dropped):
                yield REFUSED if isinstance(error, Unknown) else FAILED, str(error)
                wanted.pop(0)
            continue
        for event in found:
            if wanted:
                yield _difference(event, wanted.pop(0))
    yield from [(FAILED, "no event")] * len(wanted)


def _difference(event: dict[str, Any], wanted: dict[str, Any]) -> tuple[str, str]:
    try:
        here, there = _plain(document_of(udm_of(event))), _plain(document_of(parsed(wanted)))
    except json_format.ParseError as error:
        return FAILED, str(error)
    if here == there:
        return EQUAL, ""
    return DIFFERENT, " | ".join(_paths("", here, there))


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    metadata = document.get("metadata", {})
    for name in ("event_timestamp", "collected_timestamp", "ingested_timestamp", "log_type"):
        metadata.pop(name, None)
    return document


def _paths(path: str, here: Any, there: Any) -> Iterator[str]:
    if isinstance(here, dict) and isinstance(there, dict):
        for name in sorted(here.keys() | there.keys()):
            yield from _paths(f"{path}.{name}", here.get(name), there.get(name))
    elif here != there:
        yield f"{path}: {here!r} for {there!r}"


if __name__ == "__main__":
    main()
