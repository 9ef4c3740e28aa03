"""Terraform's language, as far as a module needs it: blocks, attributes, and strings that stay strings."""

from __future__ import annotations

from dataclasses import dataclass, field

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Raw:
    """An expression, as opposed to a string."""

    text: str


Value = str | int | bool | Raw | list["Value"] | dict[str, "Value"]


@dataclass(slots=True)
class Block:
    """A block: `kind "label" "label" { … }`.

    Attributes:
        kind: its type.
        labels: what stands between its type and its brace.
        attributes: in the order in which they are written.
        blocks: nested ones, after the attributes.
        comment: a line above it.
    """

    kind: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    comment: str = ""


def resource(kind: str, name: str, attributes: dict[str, Value], *blocks: Block, comment: str = "") -> Block:
    """Return a resource."""
    return Block("resource", (kind, name), attributes, list(blocks), comment)


def nested(kind: str, /, *blocks: Block, **attributes: Value) -> Block:
    """Return a nested block."""
    return Block(kind, (), attributes, list(blocks))


def render(blocks: list[Block]) -> str:
    """Return the text of a file, formatted as `terraform fmt` would."""
    return "\n".join(_block(block, "") for block in blocks)


def quoted(text: str) -> str:
    """Return a string literal in which nothing is interpolated."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def _block(block: Block, indent: str) -> str:
    head = " ".join([block.kind, *(quoted(label) for label in block.labels)])
    lines = [f"{indent}# {line}\n" for line in block.comment.splitlines()]
    if not block.attributes and not block.blocks:
        return "".join([*lines, f"{indent}{head} {{}}\n"])
    inner = indent + INDENT
    body = _attributes(block.attributes, inner)
    parts = [*([body] if body else []), *(_block(one, inner) for one in block.blocks)]
    return "".join([*lines, f"{indent}{head} {{\n", "\n".join(parts), f"{indent}}}\n"])


def _attributes(attributes: dict[str, Value], indent: str) -> str:
    """Return assignments; neighbours that fit on a line each have their equals signs aligned."""
    texts = {name: _value(value, indent) for name, value in attributes.items()}
    lines: list[str] = []
    group: list[str] = []
    for name, text in [*texts.items(), ("", "\n")]:
        if "\n" not in text:
            group.append(name)
            continue
        width = max((len(one) for one in group), default=0)
        lines += [f"{indent}{one.ljust(width)} = {texts[one]}\n" for one in group]
        group = []
        if name:
            lines.append(f"{indent}{name} = {text}\n")
    return "".join(lines)


def _value(value: Value, indent: str) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return _list(value, indent)
    if isinstance(value, dict):
        return _map(value, indent)
    return str(value)


def _list(values: list[Value], indent: str) -> str:
    if len(values) < 2:
        return f"[{', '.join(_value(one, indent) for one in values)}]"
    inner = indent + INDENT
    return "[\n" + "".join(f"{inner}{_value(one, inner)},\n" for one in values) + f"{indent}]"


def _map(values: dict[str, Value], indent: str) -> str:
    if not values:
        return "{}"
    keys = {quoted(key): value for key, value in values.items()}
    return "{\n" + _attributes(dict(keys), indent + INDENT) + f"{indent}}}"
