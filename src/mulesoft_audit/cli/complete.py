"""What the shell offers for the value of an option. Each runs at a press of Tab: it is fast, and never complains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

#: What no shell has to be told to take as it is. Names come from Anypoint: anybody may have chosen them.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def directories(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell offer directories."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell offer files."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def planes(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the control planes."""
    from click.shell_completion import CompletionItem

    from mulesoft_audit.anypoint.planes import PLANES

    return [CompletionItem(name) for name in PLANES if name.startswith(incomplete.lower())]


def rule_ids(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the ids of the rules of `detect`: the names of their files."""
    from importlib import resources

    from click.shell_completion import CompletionItem

    names = [file.name for file in resources.files("mulesoft_audit.detect").joinpath("rules").iterdir()]
    found = sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def organizations(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the organizations of an archive on this machine: by name, or by id where a name would need quotes.

    A bucket is not asked: that would take seconds.
    """
    from click.shell_completion import CompletionItem

    from mulesoft_audit.errors import AuditError

    try:
        known = _known(context.params.get("config"), context.params.get("archive"))
    except AuditError:
        return []  # the command itself will say what is wrong
    offered = {name if _PLAIN.fullmatch(name) else one: name for one, name in known.items()}
    return [
        CompletionItem(value, help=name if value != name and name.isprintable() else None)
        for value, name in sorted(offered.items())
        if value.casefold().startswith(incomplete.casefold())
    ]


def _known(config: str | None, archive: str | None) -> dict[str, str]:
    """Return what each organization of the archive is called, by id.

    Raises:
        AuditError: there is no archive that can be read.
    """
    from mulesoft_audit.archive.layout import ORGANIZATIONS
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.cli.configured import load_settings
    from mulesoft_audit.ledger.manifest import decode_document
    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.ledger.registry import Registry

    url = load_settings(config, archive=archive).archive_url
    if not url or url.lower().startswith("gs:"):
        return {}
    store = open_archive(url)
    try:
        held = store.read(ORGANIZATIONS)
    finally:
        store.close()
    registry = decode_document(held.data, ORGANIZATIONS, Registry) if held else Registry()
    return Names({one: known.name for one, known in registry.organizations.items()}).by_id
