"""Google's published descriptions of its APIs, held against each request.

The descriptions are the discovery documents inside google-api-python-client, the ones Google's own client works from.
What is checked: the method exists at that path, every path parameter has its pattern, every query parameter is known,
required ones are given, the body has only known fields of the right type, format and enum, none of them output only,
and an update mask names fields that exist.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import googleapiclient

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
APIS = {
    "cloudfunctions.googleapis.com": "cloudfunctions.v2",
    "cloudresourcemanager.googleapis.com": "cloudresourcemanager.v3",
    "cloudscheduler.googleapis.com": "cloudscheduler.v1",
    "iam.googleapis.com": "iam.v1",
    "logging.googleapis.com": "logging.v2",
    "orgpolicy.googleapis.com": "orgpolicy.v2",
    "pubsub.googleapis.com": "pubsub.v1",
    "run.googleapis.com": "run.v2",
    "secretmanager.googleapis.com": "secretmanager.v1",
    "serviceusage.googleapis.com": "serviceusage.v1",
    "storage.googleapis.com": "storage.v1",
}
FORMATS = {
    "int64": r"-?\d+",
    "uint64": r"\d+",
    "google-duration": r"-?\d+(\.\d{1,9})?s",
    "google-datetime": r"\d{4}-\d\d-\d\dT.*Z",
    "google-fieldmask": r"[A-Za-z_.]+(,[A-Za-z_.]+)*",
}


class Violation(Exception):
    """A request that Google's own descriptions do not allow."""


@dataclass(frozen=True)
class Call:
    """A request that is allowed: which method it is, with its parameters."""

    method: str
    path: dict[str, str]


@dataclass(frozen=True)
class Method:
    """One method of an API."""

    id: str
    verb: str
    pattern: re.Pattern[str]
    spec: dict[str, Any]


class Description:
    """One API's description."""

    def __init__(self, name: str) -> None:
        self.document = json.loads((DOCUMENTS / f"{name}.json").read_text())
        found = [_method(self.document, spec) for spec in _methods(self.document)]
        self.methods = sorted(found, key=lambda method: -len(method.spec["path"]))

    def check(self, verb: str, path: str, query: dict[str, list[str]], body: dict[str, Any] | None) -> Call:
        """Return the method that a request calls.

        Raises:
            Violation: there is none, or the request is not as it is described.
        """
        method, params = self._find(verb, path)
        wrong = [*self._query(method, query), *self._body(method, body)]
        masks = [*query.get("updateMask", []), *([str(body["updateMask"])] if body and "updateMask" in body else [])]
        wrong += [problem for mask in masks for problem in self._mask(method, mask)]
        if wrong:
            raise Violation(f"{method.id}: {'; '.join(wrong)}")
        return Call(method.id, params)

    def _find(self, verb: str, path: str) -> tuple[Method, dict[str, str]]:
        for method in self.methods:
            match = method.pattern.fullmatch(path) if method.verb == verb else None
            if match and all(_fits(method.spec, name, value) for name, value in match.groupdict().items()):
                return method, match.groupdict()
        raise Violation(f"no such method: {verb} {path}")

    def _query(self, method: Method, query: dict[str, list[str]]) -> list[str]:
        known = {**self.document.get("parameters", {}), **method.spec.get("parameters", {})}
        wrong = []
        for name, values in query.items():
            spec = known.get(name)
            if spec is None or spec.get("location") != "query":
                wrong.append(f"?{name}: unknown query parameter")
                continue
            if len(values) > 1 and not spec.get("repeated"):
                wrong.append(f"?{name}: given {len(values)} times")
            wrong += [f"?{name}: {value!r} is no {spec['type']}" for value in values if not _reads(spec, value)]
        needed = {name for name, spec in known.items() if spec.get("required") and spec.get("location") == "query"}
        return wrong + [f"?{name}: required" for name in sorted(needed - set(query))]

    def _body(self, method: Method, body: dict[str, Any] | None) -> list[str]:
        schema = method.spec.get("request")
        if schema is None:
            return ["takes no body"] if body else []
        return self._value(schema, body or {}, "$")

    def _value(self, schema: dict[str, Any], value: Any, at: str) -> list[str]:
        schema = self.document["schemas"][schema["$ref"]] if "$ref" in schema else schema
        kind = schema.get("type")
        if value is None:
            return []
        if kind == "object":
            return self._object(schema, value, at)
        if kind == "array":
            if not isinstance(value, list):
                return [f"{at}: want array"]
            return [wrong for i, item in enumerate(value) for wrong in self._value(schema["items"], item, f"{at}[{i}]")]
        return _scalar(schema, value, at)

    def _object(self, schema: dict[str, Any], value: Any, at: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{at}: want object"]
        wrong = []
        for key, item in value.items():
            spec = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if spec is None:
                wrong.append(f"{at}.{key}: unknown property")
            elif spec.get("readOnly"):
                wrong.append(f"{at}.{key}: output only")
            else:
                wrong += self._value(spec, item, f"{at}.{key}")
        return wrong

    def _mask(self, method: Method, mask: str) -> list[str]:
        schema = self.document["schemas"][method.spec["request"]["$ref"]]
        inner = [spec["$ref"] for name, spec in schema["properties"].items() if "$ref" in spec and name != "policy"]
        if "updateMask" in schema["properties"] and inner:
            schema = self.document["schemas"][inner[0]]
        return [f"updateMask: {path!r} is no field" for path in mask.split(",") if not self._names(schema, path)]

    def _names(self, schema: dict[str, Any], path: str) -> bool:
        for part in path.split("."):
            schema = self.document["schemas"][schema["$ref"]] if "$ref" in schema else schema
            if "additionalProperties" in schema:
                return True
            schema = schema.get("properties", {}).get(part)
            if schema is None:
                return False
        return True


@functools.cache
def description(host: str) -> Description:
    """Return the description of the API that a host serves."""
    if host not in APIS:
        raise Violation(f"no such host: {host}")
    return Description(APIS[host])


def _methods(node: dict[str, Any]) -> list[dict[str, Any]]:
    here = list(node.get("methods", {}).values())
    return here + [spec for inner in node.get("resources", {}).values() for spec in _methods(inner)]


def _method(document: dict[str, Any], spec: dict[str, Any]) -> Method:
    path = re.escape(document.get("servicePath", "") + spec["path"])
    path = re.sub(r"\\\{\\\+(\w+)\\\}", r"(?P<\1>.+)", path)
    path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", path)
    return Method(spec["id"], spec["httpMethod"], re.compile(path), spec)


def _fits(spec: dict[str, Any], name: str, value: str) -> bool:
    pattern = spec.get("parameters", {}).get(name, {}).get("pattern")
    verb = ":" in value.rsplit("/", 1)[-1] and name != "operation"
    return not verb and (pattern is None or re.search(pattern, value) is not None)


def _reads(spec: dict[str, Any], value: str) -> bool:
    if spec.get("enum") and value not in spec["enum"]:
        return False
    patterns = {"integer": r"-?\d+", "boolean": r"true|false"}
    return re.fullmatch(FORMATS.get(spec.get("format", ""), patterns.get(spec["type"], r"(?s).*")), value) is not None


def _scalar(schema: dict[str, Any], value: Any, at: str) -> list[str]:
    wanted: dict[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "boolean": (bool,), "number": (int, float), "any": (object,)
    }  # fmt: skip
    kind = str(schema.get("type"))
    if not isinstance(value, wanted[kind]) or (kind != "boolean" and isinstance(value, bool) and kind != "any"):
        return [f"{at}: want {kind} ({schema.get('format')}), got {type(value).__name__}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is not in {schema['enum']}"]
    if isinstance(value, str) and not _formatted(str(schema.get("format", "")), value):
        return [f"{at}: {value!r} is no {schema['format']}"]
    return []


def _formatted(kind: str, value: str) -> bool:
    if kind == "byte":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            return False
    return re.fullmatch(FORMATS.get(kind, r"(?s).*"), value) is not None
