"""A provider that knows the schema and nothing else, so that a real terraform validates and plans the module offline.

Run by terraform itself (through `dev_overrides`), in an environment that has PyPI's `tf`; the first argument says which
provider it is to be. Its resources only remember what they are given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from tf import schema, types
from tf.provider import ProviderServicer, _decode_state, _encode_state_d
from tf.runner import run_provider
from tf.schema import Block, NestedBlock, NestMode, pb
from tf.types import Unknown
from tf.utils import Diagnostics, read_dynamic_value, to_dynamic_value

ME = sys.argv.pop(1)
SCHEMA = json.loads(Path(__file__).with_name("provider_schema.json").read_text(encoding="utf-8"))[ME]
TYPES = {
    "string": types.String(),
    "number": types.Number(),
    "bool": types.Bool(),
    "map": types.Map(types.String()),
    "list(string)": types.List(types.String()),
    "list(number)": types.List(types.Number()),
}
WRITE_ONLY = b"\x58\x01"  # field 11, true: "write_only" of Terraform's plugin protocol 6.8, which `tf` is older than


class Attribute(schema.Attribute):
    """An attribute that may be write-only."""

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        required = spec.get("required", False)
        replaces = spec.get("replaces", False)
        super().__init__(
            name,
            TYPES[spec["type"]],
            required=required,
            optional=not required,
            computed=spec.get("computed", False),
            requires_replace=replaces,
        )
        self.write_only = spec.get("write_only", False)

    def to_pb(self) -> Any:
        made = super().to_pb()
        if self.write_only:
            made.MergeFromString(WRITE_ONLY)
        return made


class Repeated(NestedBlock):
    """A list of blocks; `tf` itself knows only sets and single ones."""

    def __init__(self, name: str, block: Block, spec: dict[str, Any]) -> None:
        super().__init__(name, NestMode.Set, block, 1 if spec["required"] else 0, 0 if spec["many"] else 1)
        self.computed = spec.get("computed", [])

    def to_pb(self) -> Any:
        made = super().to_pb()
        made.nesting = pb.Schema.NestedBlock.NestingMode.LIST
        return made

    def encode(self, value: Any) -> Any:
        rows = [{**one, **{name: Unknown for name in self.computed if one.get(name) is None}} for one in value or []]
        return [_encode_state_d(self._amap(), self._bmap(), one, None) for one in rows]

    def decode(self, value: Any) -> Any:
        return [_decode_state(Diagnostics(), self._amap(), self._bmap(), one)[1] for one in (value or [])]

    def semantically_equal(self, one: Any, other: Any) -> bool:
        return bool(one == other) and not self.computed


def _parts(spec: dict[str, Any]) -> tuple[list[schema.Attribute], list[NestedBlock]]:
    attributes: list[schema.Attribute] = [Attribute(name, one) for name, one in spec["attributes"].items()]
    attributes += [schema.Attribute(name, types.String(), computed=True) for name in spec.get("computed", [])]
    return attributes, [Repeated(name, Block(*_parts(one)), one) for name, one in spec["blocks"].items()]


class Stub:
    """A resource that remembers what it is given."""

    name = ""
    spec: ClassVar[dict[str, Any]] = {}

    def __init__(self, provider: object) -> None: ...

    @classmethod
    def get_name(cls) -> str:
        return cls.name.partition("_")[2]

    @classmethod
    def get_schema(cls) -> Any:
        attributes, blocks = _parts(cls.spec)
        return schema.Schema(version=0, attributes=attributes, block_types=blocks)

    def validate(self, *_: object) -> None: ...

    def plan(self, _: object, __: object, planned: dict[str, Any]) -> dict[str, Any]:
        return planned

    def create(self, _: object, planned: dict[str, Any]) -> dict[str, Any]:
        return _made(self.name, self.spec, planned)

    def update(self, _: object, __: object, planned: dict[str, Any]) -> dict[str, Any]:
        return _made(self.name, self.spec, planned)

    def delete(self, *_: object) -> None: ...

    def import_(self, _: object, given: str) -> dict[str, Any]:
        """Return what Google has under a name: that alone is known here."""
        return {**_imported(self.name, self.spec), "id": given}

    def upgrade(self, _: object, __: object, old: dict[str, Any]) -> dict[str, Any]:
        return old

    def read(self, _: object, current: dict[str, Any]) -> dict[str, Any]:
        return current


def _made(name: str, spec: dict[str, Any], planned: dict[str, Any]) -> dict[str, Any]:
    """Return what Google would return: what was planned, with something for what only it knows."""
    computed = [*spec.get("computed", []), *(key for key, one in spec["attributes"].items() if one.get("computed"))]
    own = {one: f"stub-{name}-{one}" for one in computed}
    made = {key: own.get(key) if value is Unknown else value for key, value in planned.items()}
    made |= {key: value for key, value in own.items() if made.get(key) is None}
    for key, inner in spec["blocks"].items():
        made[key] = [_made(key, inner, row) for row in planned.get(key) or []]
    return made


def _imported(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return something of which nothing but what Google fills in is known."""
    found: dict[str, Any] = dict.fromkeys(spec["attributes"])
    found |= {one: f"stub-{name}-{one}" for one in spec.get("computed", [])}
    return {**found, **{key: [] for key in spec["blocks"]}}


RESOURCES = [type(name, (Stub,), {"name": name, "spec": spec}) for name, spec in SCHEMA.items()]


class Provider:
    def get_model_prefix(self) -> str:
        return f"{ME.partition('-')[0]}_"

    def full_name(self) -> str:
        return f"hashicorp/{ME}"

    def get_provider_schema(self, _: object) -> Any:
        names = ("project", "region", "credentials")
        return schema.Schema(attributes=[schema.Attribute(name, types.String(), optional=True) for name in names])

    def validate_config(self, *_: object) -> None: ...

    def configure_provider(self, *_: object) -> None: ...

    def get_data_sources(self) -> list[Any]:
        return []

    def get_resources(self) -> list[Any]:
        return RESOURCES

    def get_functions(self) -> list[Any]:
        return []

    def new_resource(self, kind: Any) -> Any:
        return kind(self)

    new_data_source = new_function = new_resource


def _without_write_only(servicer: Any, request: Any, field: str) -> None:
    """Take write-only values out of a request: they are in no plan and in no state (protocol 6.8)."""
    hidden = {name for name, one in SCHEMA[request.type_name]["attributes"].items() if one.get("write_only")}
    state = read_dynamic_value(getattr(request, field))
    if hidden and state:
        changed = to_dynamic_value({name: None if name in hidden else value for name, value in state.items()})
        getattr(request, field).CopyFrom(changed)


def _wrap(method: str, field: str) -> None:
    original = getattr(ProviderServicer, method)

    def wrapped(self: Any, request: Any, context: Any) -> Any:
        _without_write_only(self, request, field)
        return original(self, request, context)

    setattr(ProviderServicer, method, wrapped)


_wrap("PlanResourceChange", "proposed_new_state")
_wrap("ApplyResourceChange", "planned_state")

if __name__ == "__main__":
    run_provider(Provider())
