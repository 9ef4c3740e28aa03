"""The command line's options, made from the switches: each is described once, where it is defined."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import inspect

from anypoint_simulator.behaviour import Behaviour
from anypoint_simulator.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MODELS: tuple[type[msgspec.Struct], ...] = (Scenario, Behaviour)


class SwitchOption(click.Option):
    """An option that knows under which heading `--help` is to list it."""

    def __init__(self, declarations: Sequence[str], heading: str, **settings: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(declarations, **settings)
        self.heading = heading


def switch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for every switch to a command's function."""
    options = list(_options())
    for flag, heading, settings in reversed(options):
        command = click.option(flag, cls=SwitchOption, heading=heading, **settings)(command)
    return command


def from_options(given: dict[str, Any], file: Path | None) -> tuple[Scenario, Behaviour]:
    """Return scenario and behaviour from a file's switches and, over them, those given on the command line.

    Raises:
        ValueError: a switch is unknown, or its value is not allowed.
    """
    switches = _read(file) if file else {}
    switches |= {name: value for name, value in given.items() if value is not None and value != ()}
    of_world = {field.name for field in msgspec.structs.fields(Scenario)}
    scenario = {name: value for name, value in switches.items() if name in of_world}
    behaviour = {name: value for name, value in switches.items() if name not in of_world}
    return msgspec.convert(scenario, Scenario), msgspec.convert(behaviour, Behaviour)


def _read(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    switches = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    if not isinstance(switches, dict):
        raise TypeError(f"{file} has no table of switches")
    return switches


def _options() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model in MODELS:
        described = inspect.type_info(model)
        assert isinstance(described, inspect.StructType)  # noqa: S101 - both models are structs
        for field in described.fields:
            assert isinstance(field.type, inspect.Metadata)  # noqa: S101 - every switch has its text
            text, extra = field.type.extra_json_schema or {}, field.type.extra or {}
            flag = "--" + field.name.replace("_", "-")
            if isinstance(field.type.type, inspect.BoolType):
                flag = f"{flag}/--no-{flag[2:]}"
            shown = _shown(field.default)
            help_text = f"{text['description']} [default: {shown}]" if shown else text["description"]
            yield flag, extra["group"], {"default": None, "help": help_text} | _settings(field.type.type)


def _settings(kind: inspect.Type) -> dict[str, Any]:
    """Return what click needs to know of a switch's type; bounds are the model's business."""
    if isinstance(kind, inspect.VarTupleType):
        return _settings(kind.item_type) | {"multiple": True}
    if isinstance(kind, inspect.Metadata):
        return _settings(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _settings(kind.types[0])
    if isinstance(kind, inspect.LiteralType):
        return {"type": click.Choice([str(value) for value in kind.values])}
    types = {inspect.IntType: click.INT, inspect.FloatType: click.FLOAT, inspect.BoolType: click.BOOL}
    return {"type": types.get(type(kind), click.STRING)}


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return "" if default is None else str(default)
