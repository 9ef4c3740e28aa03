"""Opening an archive by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store


def open_archive(url: str) -> Store:
    """Return the store that `url` names: a directory, `file:///DIR`, or `gs://BUCKET[/PREFIX]`.

    Raises:
        UsageError: no archive can be at such a URL.
    """
    scheme = urlsplit(url).scheme
    if scheme == "gs":
        from mulesoft_audit.archive.gcs import GcsStore

        bucket, _, prefix = url.removeprefix("gs://").partition("/")
        if not bucket:
            raise UsageError(f"ARCHIVE is {url!r}; expected gs://BUCKET or gs://BUCKET/PREFIX.")
        return GcsStore(bucket, prefix.strip("/"))
    from mulesoft_audit.archive.local import LocalStore

    if scheme == "file":
        return LocalStore(Path(unquote(urlsplit(url).path)))
    if "://" in url or not url.strip():
        raise UsageError(f"ARCHIVE is {url!r}; expected a directory, file:///DIR, or gs://BUCKET[/PREFIX].")
    return LocalStore(Path(url).expanduser())
