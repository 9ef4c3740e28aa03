"""Unusual but legal JSON: what another serializer, or another product, may send some day."""

from __future__ import annotations

import json
from typing import Any

MARK = "@odd@"
DEPTH = 30
# Each replaces the marker's JSON string inside the payload by what no ordinary encoder writes.
RAW_VALUES = (
    rb"340282366920938463463374607431768211457",  # 2**128 + 1: no float holds it
    rb"[1.0E+2,-0,0.10,1e-7,100.0]",  # spellings of numbers that re-encoding would change
    rb'"https:\/\/example.test\/\u0041\u00e9\ud83d\ude00"',  # escapes nobody needs
    rb'"broken \ud83d pair"',  # a high surrogate escape alone: legal JSON, no valid Unicode
    rb'{"name":"first","name":"second","name":"first"}',  # duplicate keys
    b"[" * DEPTH + b'"deep"' + b"]" * DEPTH,
)
VARIANTS = len(RAW_VALUES) + 2


def encode_odd(document: dict[str, Any], variant: int) -> bytes:
    """Encode an entry in one of the unusual ways."""
    if variant == 0:
        return json.dumps(document, indent=2, ensure_ascii=False).encode()  # an entry with newlines in it
    if variant == 1:
        return json.dumps(document, separators=(" ,\t", " :\r\n")).encode()  # ASCII only, odd white space
    payload = {**document["payload"], "extra": MARK}
    text = json.dumps({**document, "payload": payload}, separators=(",", ":"), ensure_ascii=False)
    return text.encode().replace(json.dumps(MARK).encode(), RAW_VALUES[variant - 2])
