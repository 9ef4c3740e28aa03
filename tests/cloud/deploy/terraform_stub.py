"""A google provider that knows the schema and nothing else, so that a real terraform can validate and plan offline.

Run by terraform itself (through `dev_overrides`), in an environment that has PyPI's `tf`. Resources only remember what
they are given; the one data source makes up a project number.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

from tf import schema, types
from tf.provider import _decode_state, _encode_state_d
from tf.runner import run_provider
from tf.schema import Block, NestedBlock, NestMode, pb
from tf.utils import Diagnostics

SCHEMA = json.loads(Path(os.environ["STUB_SCHEMA"]).read_text(encoding="utf-8"))
TYPES = {
    "string": types.String(),
    "number": types.Number(),
    "bool": types.Bool(),
    "map": types.Map(types.String()),
    "list(string)": types.List(types.String()),
    "list(number)": types.List(types.Number()),
}


class Repeated(NestedBlock):
    """A list of blocks; `tf` itself knows only sets and single ones."""

    def __init__(self, name, block, spec):
        super().__init__(name, NestMode.Set, block, 1 if spec["required"] else 0, 0 if spec["many"] else 1)

    def to_pb(self):
        made = super().to_pb()
        made.nesting = pb.Schema.NestedBlock.NestingMode.LIST
        return made

    def encode(self, value):
        return [_encode_state_d(self._amap(), self._bmap(), one, None) for one in (value or [])]

    def decode(self, value):
        return [_decode_state(Diagnostics(), self._amap(), self._bmap(), one)[1] for one in (value or [])]

    def semantically_equal(self, one, other):
        return one == other


def _parts(spec):
    attributes = [
        schema.Attribute(
            name, TYPES[one["type"]], required=one.get("required", False), optional=not one.get("required")
        )
        for name, one in spec["attributes"].items()
    ]
    attributes += [schema.Attribute(name, types.String(), computed=True) for name in spec.get("computed", [])]
    return attributes, [Repeated(name, Block(*_parts(one)), one) for name, one in spec["blocks"].items()]


class Stub:
    """A resource that remembers what it is given."""

    name = ""
    spec: ClassVar[dict] = {}

    def __init__(self, provider):
        pass

    @classmethod
    def get_name(cls):
        return cls.name.removeprefix("google_")

    @classmethod
    def get_schema(cls):
        attributes, blocks = _parts(cls.spec)
        return schema.Schema(version=0, attributes=attributes, block_types=blocks)

    def validate(self, *_):
        pass

    def plan(self, _, __, planned):
        return planned

    def create(self, _, planned):
        made = {key: None if type(value).__name__ == "_Unknown" else value for key, value in planned.items()}
        return {**made, "id": f"stub/{self.name}"}

    def update(self, context, _, planned):
        return self.create(context, planned)

    def delete(self, *_):
        pass

    def upgrade(self, _, __, old):
        return old

    def read(self, _, current):
        return current


class StubData(Stub):
    """The project, with a number."""

    def read(self, _, current):
        return {**current, "number": "123456789012", "id": "projects/p"}


RESOURCES = [type(name, (Stub,), {"name": name, "spec": spec}) for name, spec in SCHEMA["resources"].items()]
DATA = [type(name, (StubData,), {"name": name, "spec": spec}) for name, spec in SCHEMA["data"].items()]


class Provider:
    def get_model_prefix(self):
        return "google_"

    def full_name(self):
        return "registry.terraform.io/hashicorp/google"

    def get_provider_schema(self, _):
        names = ("project", "region", "credentials")
        return schema.Schema(attributes=[schema.Attribute(name, types.String(), optional=True) for name in names])

    def validate_config(self, *_):
        pass

    def configure_provider(self, *_):
        pass

    def get_data_sources(self):
        return DATA

    def get_resources(self):
        return RESOURCES

    def get_functions(self):
        return []

    def new_resource(self, kind):
        return kind(self)

    def new_data_source(self, kind):
        return kind(self)

    def new_function(self, kind):
        return kind(self)


if __name__ == "__main__":
    run_provider(Provider())
