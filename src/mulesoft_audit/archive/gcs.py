"""The archive in a Cloud Storage bucket: preconditions on every write, checksums both ways, safe retries."""

from __future__ import annotations

import base64
import os
import secrets
import threading
from contextlib import suppress
from functools import partial
from random import uniform
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

from mulesoft_audit.archive.gcs_failures import (
    Damaged,
    foreign,
    of_bucket,
    repeatable,
    repeatable_in_session,
    said,
    status_of,
)
from mulesoft_audit.archive.store import GenerationMismatch, Held, Listed, ObjectExists, never
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, PermissionMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from google.api_core.retry import Retry
    from google.cloud import storage

T = TypeVar("T")

#: Custom metadata that tells whose write an object is: a random value for each call.
WRITER = "mulesoft-audit-write"

_CHUNK = 8 * 1024 * 1024  # of a resumable upload; the client begins one above 8 MiB
_CONNECT_SECONDS = 10.0
_MAX_PAUSE = 16.0
_POOL = 64  # connections kept for as many threads
_PERMISSIONS = {
    "create": "storage.objects.create",
    "replace": "storage.objects.create and storage.objects.delete",
    "read": "storage.objects.get",
    "list": "storage.objects.list",
    "delete": "storage.objects.delete",
}


class GcsStore:
    """A bucket, or what lies below a prefix of it, as a store.

    Needs storage.objects.create, get, list and delete on the bucket, and nothing else; the role
    roles/storage.objectUser has them. Delete is needed because Cloud Storage asks for it when an object is
    overwritten, and manifests are. Parts are never overwritten or deleted by this class.

    Every write carries a precondition, so repeating one is safe. It also carries a random value of its call in
    the object's metadata: when an answer was lost after the write was committed, the repetition is refused, the
    value is found on the object, and the write is known to be one's own.

    With STORAGE_EMULATOR_HOST set, that server is used, without credentials.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        client: storage.Client | None = None,
        *,
        retry_seconds: float = 60.0,
        request_seconds: float = 60.0,
        first_pause: float = 0.5,
    ) -> None:
        """Use a bucket; nothing is sent, and no client made, before the first request.

        Args:
            bucket: the bucket's name.
            prefix: what all names begin with, without slashes around it.
            client: the client to use; by default one with Application Default Credentials.
            retry_seconds: how long one operation is repeated before it is reported as failed.
            request_seconds: how long one request may wait for the next byte.
            first_pause: the mean pause before the first repetition is about this; it doubles each time.
        """
        prefix = prefix.strip("/")
        self.url = f"gs://{bucket}/{prefix}".rstrip("/")
        self.stopping: Callable[[], bool] = never
        self._bucket_name = bucket
        self._root = f"{prefix}/" if prefix else ""
        self._given = client
        self._made: storage.Client | None = None
        self._lock = threading.Lock()
        self._retry_seconds = retry_seconds
        self._request_seconds = request_seconds
        self._first_pause = first_pause

    def close(self) -> None:
        """Close the connections of a client this store made; a later request opens new ones."""
        with self._lock:
            client, self._made = self._made, None
        if client is not None:
            client._http.close()  # noqa: SLF001 - what Client.close() closes differs between versions

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        """See `Store.create`."""
        generation = self._write("create", name, data, 0, dict(metadata or {}))
        if generation is None:
            raise ObjectExists(f"{self.url}/{name} exists already, and this write did not make it.")
        return generation

    def replace(self, name: str, data: bytes, generation: int) -> int:
        """See `Store.replace`."""
        new = self._write("replace", name, data, generation, {})
        if new is None:
            raise GenerationMismatch(f"{self.url}/{name} no longer has generation {generation}.")
        return new

    def read(self, name: str) -> Held | None:
        """See `Store.read`. Bytes and generation are of one answer, so they belong together."""
        return self._run("read", name, partial(self._download, name))

    def list(self, prefix: str) -> Iterator[Listed]:
        """See `Store.list`. A page is at most 1000 objects; one that fails is asked for again."""
        token: str | None = None
        while True:
            listed, token = self._run("list", prefix, partial(self._page, prefix, token))
            yield from listed
            if token is None:
                return

    def alone(self) -> bool:
        """See `Store.alone`. A bucket does not say who writes to it."""
        return False

    def check(self) -> None:
        """See `Store.check`. Also proves that the endpoint honours preconditions; not every emulator does."""
        probe = f"state/probe-{secrets.token_hex(8)}"
        # Deleting what is not there comes first: whoever may not delete learns it before anything is left behind.
        self._delete(probe)
        try:
            self._prove(probe)
        except BaseException:
            with suppress(AuditError):
                self._delete(probe)
            raise
        self._delete(probe)

    def _prove(self, probe: str) -> None:
        first = self.create(probe, b"1")
        self._refused(ObjectExists, partial(self.create, probe, b"2"))
        second = self.replace(probe, b"3", first)
        self._refused(GenerationMismatch, partial(self.replace, probe, b"4", first))
        if self.read(probe) != Held(b"3", second):
            raise ArchiveError(f"{self.url}/{probe} does not read back as it was written.")
        if Listed(probe, 1, second) not in self.list(probe):
            raise ArchiveError(f"{self.url}/{probe} was written, but is not listed.")

    def _refused(self, answer: type[ArchiveError], write: Callable[[], int]) -> None:
        try:
            write()
        except answer:
            return
        raise ArchiveError(
            f"Preconditions are not honoured by this endpoint ({self.url}): two runs would overwrite each other.",
            "Unset STORAGE_EMULATOR_HOST, or point it to a server that honours ifGenerationMatch.",
        )

    # One request each. `left` is what remains of the operation's time, in seconds.

    def _write(self, doing: str, name: str, data: bytes, generation: int, metadata: dict[str, str]) -> int | None:
        """Write against a generation; None if another one is there that is not this call's own."""
        metadata[WRITER] = secrets.token_hex(16)

        def once(left: float) -> int | None:
            crc = _crc32c(data)
            blob = self._blob(name)
            blob.metadata = metadata
            # The service compares this with what it received, and keeps nothing if they differ. The library's
            # own comparison would come after the commit, and answers a difference by deleting the object.
            blob.crc32c = crc
            if not self._upload(blob, data, generation, left):
                return self._own(name, metadata[WRITER], crc, left)
            if blob.crc32c != crc or blob.size != len(data):
                raise ArchiveError(
                    f"{self.url}/{name} was stored with other content than was sent.",
                    "Delete it, and check what lies between here and Cloud Storage.",
                )
            return int(blob.generation)

        return self._run(doing, name, once)

    def _upload(self, blob: storage.Blob, data: bytes, generation: int, left: float) -> bool:
        """Send an object, chunk by chunk if it is large; False if the precondition does not hold."""
        from google.api_core.exceptions import Forbidden, PreconditionFailed

        blob.chunk_size = _CHUNK
        try:
            blob.upload_from_string(
                data,
                content_type=_content_type(blob.name),
                if_generation_match=generation,
                timeout=self._timeout(left),
                checksum=None,
                retry=self._chunk_retry(left) if len(data) > _CHUNK else None,
            )
        except PreconditionFailed:
            return False
        except Forbidden:
            # Where the account may not overwrite, an object that is there may be told by 403 before its precondition.
            if generation == 0 and self._bucket().get_blob(blob.name, timeout=self._timeout(left), retry=None):
                return False
            raise
        return True

    def _chunk_retry(self, left: float) -> Retry:
        """Repeat a chunk within its upload session, so that a large object need not be sent from the start."""
        from google.api_core.retry import Retry

        pause = self._first_pause
        return Retry(predicate=repeatable_in_session, initial=pause, maximum=_MAX_PAUSE, timeout=left)

    def _own(self, name: str, token: str, crc: str, left: float) -> int | None:
        """The generation of the object if this call wrote it, though no answer said so."""
        found = self._bucket().get_blob(self._root + name, timeout=self._timeout(left), retry=None)
        if found is None or (found.metadata or {}).get(WRITER) != token or found.crc32c != crc:
            return None
        return int(found.generation)

    def _download(self, name: str, left: float) -> Held | None:
        from google.api_core.exceptions import NotFound

        blob = self._blob(name)
        try:
            data: bytes = blob.download_as_bytes(
                raw_download=True, timeout=self._timeout(left), checksum=None, retry=None
            )
        except NotFound as error:
            if of_bucket(error):
                raise
            return None
        if blob.generation is None or blob.crc32c != _crc32c(data):
            raise Damaged("the bytes received do not have the checksum of the object")
        return Held(data, int(blob.generation))

    def _page(self, prefix: str, token: str | None, left: float) -> tuple[Sequence[Listed], str | None]:
        found = self._connect().list_blobs(
            self._bucket_name,
            prefix=self._root + prefix,
            page_token=token,
            fields="items(name,size,generation),nextPageToken",
            timeout=self._timeout(left),
            retry=None,
        )
        page = next(found.pages, ())
        listed = [Listed(blob.name.removeprefix(self._root), blob.size, int(blob.generation)) for blob in page]
        return listed, found.next_page_token

    def _delete(self, name: str) -> None:
        def once(left: float) -> None:
            from google.api_core.exceptions import NotFound

            try:
                self._blob(name).delete(timeout=self._timeout(left), retry=None)
            except NotFound as error:
                if of_bucket(error):
                    raise

        self._run("delete", name, once)

    # The client, and repeating requests.

    def _connect(self) -> storage.Client:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._made is None:
                self._made = _new_client()
            return self._made

    def _bucket(self) -> storage.Bucket:
        return self._connect().bucket(self._bucket_name)

    def _blob(self, name: str) -> storage.Blob:
        return self._bucket().blob(self._root + name)

    def _timeout(self, left: float) -> tuple[float, float]:
        left = max(left, 1.0)
        return min(_CONNECT_SECONDS, left), min(self._request_seconds, left)

    def _run(self, doing: str, name: str, once: Callable[[float], T]) -> T:
        """Repeat a request while its failure may pass and there is time; report the last failure."""
        foreign_errors = foreign()
        deadline = monotonic() + self._retry_seconds
        pause = self._first_pause
        while True:
            try:
                return once(deadline - monotonic())
            except foreign_errors as error:
                wait = uniform(pause / 2, pause * 1.5)
                if not repeatable(error) or monotonic() + wait > deadline:
                    # Not chained: the library's exceptions quote the address of an upload session, which is a secret.
                    raise self._failure(doing, name, error) from None
            sleep(wait)
            pause = min(pause * 2, _MAX_PAUSE)

    def _failure(self, doing: str, name: str, error: Exception) -> AuditError:
        """Say what failed in this package's words, at one place."""
        from google.auth.exceptions import GoogleAuthError

        what = f"Could not {doing} {self.url}/{name}: {said(error)}."
        status = status_of(error)
        if status in (401, 403):
            return PermissionMissing(
                what,
                f"It needs {_PERMISSIONS[doing]} on bucket {self._bucket_name}; "
                "roles/storage.objectUser on the bucket has all that is needed.",
            )
        if status == 404:
            return ArchiveError(
                f"Could not {doing} {self.url}/{name}: bucket {self._bucket_name} does not exist.",
                "Create the bucket, or correct the archive's URL.",
            )
        if isinstance(error, GoogleAuthError) and not repeatable(error):
            return CredentialsError(
                what,
                "Run `gcloud auth application-default login`, or attach a service account.",
            )
        return ArchiveError(what, "What was written before is safe, and a repeated run continues with it.")


def _new_client() -> storage.Client:
    """Make a client that serves many threads."""
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


def _content_type(name: str) -> str:
    """A part is gzip as such, not JSON with a transfer encoding: whoever reads it gets the same bytes."""
    if name.endswith(".json.gz"):
        return "application/gzip"
    return "application/json" if name.endswith(".json") else "application/octet-stream"


def _crc32c(data: bytes) -> str:
    """CRC32C as Cloud Storage spells it."""
    import google_crc32c

    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
