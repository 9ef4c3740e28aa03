"""Opening an archive by its URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mulesoft_audit.errors import UsageError
from mulesoft_audit.extras import require

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_FORGOTTEN = re.compile(r"(gs|file):", re.IGNORECASE)  # a directory of such a name can be written ./gs:…
_BUCKET_PIECE = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_FOUR_NUMBERS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_EXPECTED = "expected a directory, file:///DIR, or gs://BUCKET[/PREFIX]"


def open_archive(url: str) -> Store:
    """Return the store that `url` names: a directory, `file:///DIR`, or `gs://BUCKET[/PREFIX]`. Nothing is sent.

    Raises:
        UsageError: no archive can be at such a URL, or what it needs is not installed.
    """
    match = _SCHEME.fullmatch(url)
    if match is None:
        return _directory(url)
    scheme, rest = match[1].lower(), match[2]
    if scheme == "gs":
        return _bucket(url, rest)
    if scheme == "file":
        return _file(url, rest)
    raise UsageError(f"ARCHIVE is {url!r}; {_EXPECTED}.")


def is_bucket_name(name: str) -> bool:
    """Return whether Cloud Storage allows a bucket of that name (its page "About buckets", "Bucket names")."""
    if not 3 <= len(name) <= (222 if "." in name else 63) or _FOUR_NUMBERS.fullmatch(name):
        return False
    return all(_BUCKET_PIECE.fullmatch(piece) for piece in name.split("."))


def _bucket(url: str, rest: str) -> Store:
    from mulesoft_audit.archive.gcs import GcsStore

    bucket, _, prefix = rest.partition("/")
    if not is_bucket_name(bucket):
        raise UsageError(
            f"ARCHIVE is {url!r}; expected gs://BUCKET or gs://BUCKET/PREFIX.",
            "A bucket's name has 3 to 63 lowercase letters, digits, hyphens and underscores.",
        )
    prefix = prefix.strip("/")
    if not prefix.isprintable() or any(piece in ("", ".", "..") for piece in prefix.split("/") if prefix):
        raise UsageError(f"ARCHIVE is {url!r}; its prefix cannot be used: expected names between single slashes.")
    require("gcp", "A gs:// archive")
    return GcsStore(bucket, prefix)


def _file(url: str, rest: str) -> Store:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash or not path.strip("/") or "?" in path or "#" in path:
        raise UsageError(
            f"ARCHIVE is {url!r}; expected file:///DIR, a directory of this machine.",
            "Write ? as %3F and # as %23.",
        )
    return _at(url, Path("/" + unquote(path, errors="surrogateescape")))


def _directory(url: str) -> Store:
    if not url.strip() or _FORGOTTEN.match(url):
        raise UsageError(f"ARCHIVE is {url!r}; {_EXPECTED}.")
    try:
        return _at(url, Path(url).expanduser())
    except RuntimeError:
        name = Path(url).parts[0]
        raise UsageError(f"ARCHIVE is {url!r}, but the home of {name} is not known.", "Write the path out.") from None


def _at(url: str, path: Path) -> Store:
    from mulesoft_audit.archive.local import LocalStore

    if "\0" in str(path):
        raise UsageError(f"ARCHIVE is {url!r}; no directory has a NUL in its name.")
    return LocalStore(path)
