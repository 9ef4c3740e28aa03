"""Google SecOps' parser engine and rule compiler, as far as they can be stood in for.

The parser runs in the tests' emulator. Of a rule it is looked only whether the data tables exist that it names. What
else a compiler would say, a test puts into `World.diagnostics`.
"""

from __future__ import annotations

import base64
import copy
import json
import re
from typing import TYPE_CHECKING

from google.cloud import chronicle_v1
from google.protobuf import json_format
from tests.control_plane.chronicle import INSTANCE, route
from tests.control_plane.discovery import Violation
from tests.control_plane.world import Refusal, World
from tests.secops.cbn.run import Dropped, Parser
from tests.secops.cbn.syntax import Unknown
from tests.secops.cbn.tokens import Failure
from tests.secops.udm import udm_of

if TYPE_CHECKING:
    from tests.control_plane.registry import Json, Request

FIELDS = {"parser", "parserExtension", "log", "statedumpAllowed"}  # of runParser's body, that v1 and v1alpha share
_TABLE = re.compile(r"%(\w+)\.\w+")


def run_parser(request: Request) -> Json:
    """Run a parser over logs."""
    if unknown := set(request.body) - FIELDS:
        raise Violation(f"runParser has no {sorted(unknown)}")
    if set(request.body["parser"]) != {"cbn"}:
        raise Violation("a parser that is run has its text, and nothing that is output only")
    text = _decoded(request.body["parser"]["cbn"])
    try:
        parser = Parser(text)
        return {"runParserResults": [_result(request.world, parser, one) for one in request.body["log"]]}
    except Unknown as error:
        raise Refusal(400, "INVALID_ARGUMENT", f"generic::invalid_argument: failed to create parser: {error}") from None


def _result(world: World, parser: Parser, encoded: str) -> Json:
    log = _decoded(encoded)
    broken = next((message for part, message in world.broken_logs.items() if part in log), "")
    if broken:
        return {"log": encoded, "error": {"code": 3, "message": f"generic::invalid_argument: {broken}"}}
    try:
        events = [json_format.MessageToDict(udm_of(event)) for event in parser.run(log)]
    except Failure as error:
        return {"log": encoded, "error": {"code": 3, "message": f"generic::invalid_argument: {error}"}}
    except Dropped:
        events = []
    return {"log": encoded, "parsedEvents": {"events": [{"event": _of_platform(world, event)} for event in events]}}


def _of_platform(world: World, event: Json) -> Json:
    event = copy.deepcopy(event)
    event["metadata"] |= {"logType": "MULESOFT", "ingestedTimestamp": "2026-11-26T00:00:00Z", "id": "AAAA"}
    return world.engine(event)


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


@route("POST", rf"{INSTANCE}/logTypes/MULESOFT:runParser")
def run_parser_v1(request: Request) -> Json:
    """Run a parser, where the instance has the method in v1."""
    if request.world.only_alpha:
        raise Refusal(404, "NOT_FOUND", "Method not found.")
    return run_parser(request)


@route("POST", rf"{INSTANCE}/logTypes/MULESOFT:runParser", version="v1alpha")
def run_parser_alpha(request: Request) -> Json:
    """Run a parser, by the older version of the API."""
    return run_parser(request)


@route("POST", rf"{INSTANCE}:verifyRuleText")
def verify_rule(request: Request) -> Json:
    """Compile a rule."""
    if set(request.body) != {"ruleText"}:
        raise Violation(f"verifyRuleText takes a ruleText, not {sorted(request.body)}")
    text = request.body["ruleText"]
    name = re.match(r"rule (\w+) \{", text)
    if not name:
        raise Violation("no rule")
    said = [*_missing_tables(request.world, text), *request.world.diagnostics.get(name[1], [])]
    failed = any(one["severity"] == "ERROR" for one in said)
    found: Json = {**({} if failed else {"success": True}), **({"compilationDiagnostics": said} if said else {})}
    chronicle_v1.VerifyRuleTextResponse.from_json(json.dumps(found))
    return found


def _missing_tables(world: World, text: str) -> list[Json]:
    return [
        {"message": f"data table {table[1]} was not found", "severity": "ERROR", "position": _place(line, table)}
        for line, content in enumerate(text.splitlines(), 1)
        for table in _TABLE.finditer(content)
        if table[1] not in world.data_tables
    ]


def _place(line: int, found: re.Match[str]) -> Json:
    return {"startLine": line, "startColumn": found.start() + 1, "endLine": line, "endColumn": found.end() + 1}
