"""The archive in a Cloud Storage bucket: preconditions on every write, checksums both ways, safe retries."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mulesoft_audit.archive.gcs_client import Client, content_type, crc32c
from mulesoft_audit.archive.gcs_failures import Damaged, of_bucket, policy_of
from mulesoft_audit.archive.gcs_retries import Retries
from mulesoft_audit.archive.store import GenerationMismatch, Held, Listed, ObjectExists, never
from mulesoft_audit.errors import ArchiveError, AuditError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from google.cloud import storage

log = logging.getLogger(__name__)

#: Custom metadata that tells whose write an object is: a random value for each call.
WRITER = "mulesoft-audit-write"

_CHUNK = 8 * 1024 * 1024  # of a resumable upload; the client begins one above 8 MiB
_CONNECT_SECONDS = 10.0


class GcsStore:
    """A bucket, or what lies below a prefix of it, as a store.

    Needs storage.objects.create, get, list and delete on the bucket, and nothing else; the role
    roles/storage.objectUser has them. Delete is needed because Cloud Storage asks for it when an object is
    overwritten, and manifests are. Parts are never overwritten, and removed only by `remove`.

    Every write carries a precondition, so repeating one is safe. It also carries a random value of its call in
    the object's metadata: when a response was lost after the write was committed, the repetition is refused, the
    value is found on the object, and the write is known to be one's own.

    With STORAGE_EMULATOR_HOST set, that server is used, without credentials.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        retry_seconds: float = 60.0,
        request_seconds: float = 60.0,
        first_pause: float = 0.5,
    ) -> None:
        """Use a bucket; nothing is sent, and no client made, before the first request.

        Args:
            bucket: the bucket's name.
            prefix: what all names begin with, without slashes around it.
            retry_seconds: how long one operation is repeated before it is reported as failed.
            request_seconds: how long one request may wait for the next byte.
            first_pause: seconds before the first repetition, at most; it doubles each time.
        """
        prefix = prefix.strip("/")
        self.url = f"gs://{bucket}/{prefix}".rstrip("/")
        self.stopping: Callable[[], bool] = never
        self._bucket_name = bucket
        self._root = f"{prefix}/" if prefix else ""
        self._client = Client()
        self._retries = Retries(self.url, bucket, self._is_stopping, seconds=retry_seconds, first_pause=first_pause)
        self._request_seconds = request_seconds

    def _is_stopping(self) -> bool:
        return self.stopping()  # set after the store is made

    def close(self) -> None:
        """Close the connections of a client this store made; a later request opens new ones."""
        self._client.close()

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

    def remove(self, name: str, generation: int) -> None:
        """See `Store.remove`."""
        if not self._delete(name, generation):
            raise GenerationMismatch(f"{self.url}/{name} no longer has generation {generation}.")

    def read(self, name: str) -> Held | None:
        """See `Store.read`. Bytes and generation are of one response, so they belong together."""
        log.debug("Read %s", name)
        return self._retries.run("read", name, partial(self._download, name))

    def list(self, prefix: str) -> Iterator[Listed]:
        """See `Store.list`. A page is at most 1000 objects; one that fails is asked for again."""
        token: str | None = None
        while True:
            listed, token = self._retries.run("list", prefix, partial(self._page, prefix, token))
            yield from listed
            if token is None:
                return

    def alone(self) -> bool:
        """See `Store.alone`. A bucket does not say who writes to it."""
        return False

    def check(self) -> None:
        """See `Store.check`. Also proves that the endpoint honours preconditions; not every emulator does."""
        probe = f"state/probe-{secrets.token_hex(8)}"
        # Deleting what is not there comes first: whoever may not delete is told before anything is left behind.
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

    def _refused(self, refusal: type[ArchiveError], write: Callable[[], int]) -> None:
        try:
            write()
        except refusal:
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
            crc = crc32c(data)
            blob = self._blob(name)
            blob.metadata = metadata
            # The service compares this with what it received, and keeps nothing if they differ. The library's
            # own comparison would come after the commit, and on a difference deletes the object.
            blob.crc32c = crc
            if not self._upload(blob, data, generation, left):
                return self._own(name, metadata[WRITER], crc, left)
            if blob.crc32c != crc or blob.size != len(data):
                raise ArchiveError(
                    f"{self.url}/{name} was stored with other content than was sent.",
                    "Delete it, and check what lies between here and Cloud Storage.",
                )
            return int(blob.generation)

        return self._retries.run(doing, name, once)

    def _upload(self, blob: storage.Blob, data: bytes, generation: int, left: float) -> bool:
        """Send an object, chunk by chunk if it is large; False if the precondition does not hold."""
        from google.api_core.exceptions import Forbidden, PreconditionFailed

        blob.chunk_size = _CHUNK
        try:
            blob.upload_from_string(
                data,
                content_type=content_type(blob.name),
                if_generation_match=generation,
                timeout=self._timeout(left),
                checksum=None,
                retry=self._retries.in_session(blob.name, left) if len(data) > _CHUNK else None,
            )
        except PreconditionFailed as error:
            if policy_of(error):  # Cloud Storage reports an organization policy as 412, too: no lost race
                raise
            return False
        except Forbidden:
            # Where the account may not overwrite, an object that is there may be told by 403 before its precondition.
            if generation == 0 and self._bucket().get_blob(blob.name, timeout=self._timeout(left), retry=None):
                return False
            raise
        return True

    def _own(self, name: str, token: str, crc: str, left: float) -> int | None:
        """The generation of the object if this call wrote it, though no response said so."""
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
        if blob.generation is None or blob.crc32c != crc32c(data):
            raise Damaged("the bytes received do not have the checksum of the object")
        return Held(data, int(blob.generation))

    def _page(self, prefix: str, token: str | None, left: float) -> tuple[Sequence[Listed], str | None]:
        found = self._client.get().list_blobs(
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

    def _delete(self, name: str, generation: int | None = None) -> bool:
        """Delete an object, which may be gone already; False if it has another generation than this one."""

        def once(left: float) -> bool:
            from google.api_core.exceptions import NotFound, PreconditionFailed

            try:
                self._blob(name).delete(if_generation_match=generation, timeout=self._timeout(left), retry=None)
            except NotFound as error:
                if of_bucket(error):
                    raise
            except PreconditionFailed as error:
                if policy_of(error):
                    raise
                return False
            return True

        return self._retries.run("delete", name, once)

    def _bucket(self) -> storage.Bucket:
        return self._client.get().bucket(self._bucket_name)

    def _blob(self, name: str) -> storage.Blob:
        return self._bucket().blob(self._root + name)

    def _timeout(self, left: float) -> tuple[float, float]:
        left = max(left, 1.0)
        return min(_CONNECT_SECONDS, left), min(self._request_seconds, left)
