"""The Google SecOps feed that reads the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mulesoft_audit.cloud.feed.managed import Resource
    from mulesoft_audit.cloud.feed.secops import SecOps


def feed_stack(secops: SecOps) -> list[Resource]:
    """Return the feeds' access to the bucket and the feeds, in the order in which they can be made."""
    from mulesoft_audit.cloud.feed.resource import Feed, Readers

    feeds = [Feed(secops, target) for target in secops.settings.targets]
    return [Readers(secops), *feeds]
