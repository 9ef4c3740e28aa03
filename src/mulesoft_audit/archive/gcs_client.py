"""The Cloud Storage client library, set up to serve many threads and to ask for nothing that is not needed."""

from __future__ import annotations

import base64
import os
import threading
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from google.cloud import storage

_POOL = 64  # connections kept for as many threads


class Client:
    """A client that is made when it is first needed, and made anew after it was closed."""

    def __init__(self) -> None:
        self._made: storage.Client | None = None
        self._lock = threading.Lock()

    def get(self) -> storage.Client:
        """Return the client, with Application Default Credentials.

        Raises:
            UsageError: STORAGE_EMULATOR_HOST is malformed.
        """
        with self._lock:
            if self._made is None:
                self._made = _new_client()
            return self._made

    def close(self) -> None:
        """Close its connections."""
        with self._lock:
            client, self._made = self._made, None
        if client is not None:
            client._http.close()  # noqa: SLF001 - what Client.close() closes differs between versions


def _new_client() -> storage.Client:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage
    from requests.adapters import HTTPAdapter

    if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
        if "://" not in emulator:
            raise UsageError(f"STORAGE_EMULATOR_HOST is {emulator!r}; expected http://HOST:PORT.")
        client = storage.Client(project="emulator", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    else:
        client = storage.Client(project=None)  # objects are addressed by bucket alone
    # Newer versions ask for the bucket's settings in the background, for traces: that needs a permission which
    # this store does not, and would be denied and logged in every run.
    client._bucket_metadata_cache = None  # noqa: SLF001 - there is no argument for it
    session = client._http  # noqa: SLF001 - the way the library's documentation sets the pool's size
    if not session.is_mtls:
        session.mount("https://", HTTPAdapter(pool_maxsize=_POOL))
        session.mount("http://", HTTPAdapter(pool_maxsize=_POOL))
    return client


def content_type(name: str) -> str:
    """Return the type of an object: a part is gzip as such, so that whoever reads it gets the same bytes."""
    if name.endswith(".json.gz"):
        return "application/gzip"
    return "application/json" if name.endswith(".json") else "application/octet-stream"


def crc32c(data: bytes) -> str:
    """Return the CRC32C of `data` as Cloud Storage spells it."""
    import google_crc32c

    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
