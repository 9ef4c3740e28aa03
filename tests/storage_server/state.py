"""All buckets and objects, and the operations that change them: each one atomic under one lock."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.storage_server.conditions import Conditions
from tests.storage_server.errors import ApiError, no_bucket, no_object, no_permission
from tests.storage_server.objects import Bucket, StoredObject, Upload, merged, writable

if TYPE_CHECKING:
    from tests.storage_server.uploads import Session

_NONE = Conditions()


class State:
    """What the server holds. Handlers call its methods; each takes the lock itself."""

    def __init__(self, *, ignore_preconditions: bool = False) -> None:
        self.lock = threading.RLock()
        self.buckets: dict[str, Bucket] = {}
        self.sessions: dict[str, Session] = {}
        self.denied: set[str] = set()
        self.confined: dict[str, str] = {}
        self.ignore_preconditions = ignore_preconditions
        self._clock = 0

    def tick(self) -> int:
        """Microseconds since 1970, larger each time it is asked: generations are these."""
        with self.lock:
            self._clock = max(self._clock + 1, time.time_ns() // 1000)
            return self._clock

    def require(self, permission: str, resource: str, name: str = "") -> None:
        """Refuse if the test took this permission away from the caller, altogether or for an object of that name."""
        if permission in self.denied or not name.startswith(self.confined.get(permission, "")):
            raise no_permission(permission, resource)

    def check(self, conditions: Conditions, found: StoredObject | None, *, reading: bool = False) -> None:
        """Hold a request's preconditions against an object, unless this server is to be a bad one."""
        if self.ignore_preconditions:
            return
        conditions.check(found.generation if found else 0, found.metageneration if found else 0, reading=reading)

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name, or 404."""
        with self.lock:
            if name not in self.buckets:
                raise no_bucket()
            return self.buckets[name]

    def live(self, bucket: str, name: str) -> StoredObject | None:
        """The live version, if there is one."""
        with self.lock:
            return self.bucket(bucket).live.get(name)

    def find(self, bucket: str, name: str, generation: int | None = None) -> StoredObject:
        """The live version, or the one of that generation if it is named; 404 if there is none."""
        with self.lock:
            held = self.bucket(bucket)
            versions = [held.live[name]] if name in held.live else []
            if generation is not None:
                versions += [old for old in held.noncurrent if old.name == name]
                versions = [version for version in versions if version.generation == generation]
            if not versions:
                raise no_object(bucket, name)
            return versions[0]

    def write(self, bucket: str, upload: Upload, conditions: Conditions = _NONE) -> StoredObject:
        """Store a new version if the conditions hold of the live one."""
        with self.lock:
            held = self.bucket(bucket)
            old = held.live.get(upload.name)
            self.check(conditions, old)
            if old is not None:
                self.require("storage.objects.delete", "object", upload.name)
            self._retire(held, old)
            settings = dict(upload.settings)
            if held.settings.get("defaultEventBasedHold"):
                settings.setdefault("eventBasedHold", True)
            made = StoredObject(
                bucket,
                upload.name,
                upload.data,
                self.tick(),
                settings,
                upload.crc32c,
                upload.md5,
                components=upload.components,
            )
            held.live[upload.name] = self._retained(held, made)
            return held.live[upload.name]

    def _retained(self, held: Bucket, made: StoredObject) -> StoredObject:
        if not held.retention_seconds:
            return made
        return replace(made, retained_until=made.generation + held.retention_seconds * 1_000_000)

    def _retire(self, held: Bucket, old: StoredObject | None) -> None:
        """Take a live version away: to the noncurrent ones, to the soft-deleted ones, or for good."""
        if old is None:
            return
        self._check_unprotected(held, old)
        gone = replace(old, deleted=self.tick())
        del held.live[old.name]
        if held.versioned:
            held.noncurrent.append(gone)
        elif held.soft_delete_seconds:
            held.soft_deleted.append(gone)

    def _check_unprotected(self, held: Bucket, old: StoredObject) -> None:
        if old.held:
            raise ApiError(
                403,
                f"Object '{held.name}/{old.name}' is under active hold and cannot be deleted, "
                "overwritten or archived until all holds are removed.",
                "objectUnderActiveHold",
            )
        until = old.generation + held.retention_seconds * 1_000_000
        if held.retention_seconds and until > time.time_ns() // 1000:
            raise ApiError(
                403,
                f"Object '{held.name}/{old.name}' is subject to bucket's retention policy or object retention "
                "and cannot be deleted or overwritten until its retention period ends.",
                "retentionPolicyNotMet",
            )

    def delete(self, bucket: str, name: str, generation: int | None = None, conditions: Conditions = _NONE) -> None:
        """Delete the live version, or for good the one of the generation that is named."""
        with self.lock:
            held = self.bucket(bucket)
            found = self.find(bucket, name, generation)
            self.check(conditions, found)
            if found.deleted is None:
                self._retire(held, found)
            if generation is not None:
                self._check_unprotected(held, found)
                held.noncurrent = [old for old in held.noncurrent if old.generation != generation]

    def restore(self, bucket: str, name: str, generation: int, conditions: Conditions = _NONE) -> StoredObject:
        """Bring a soft-deleted version back as a new live one."""
        with self.lock:
            held = self.bucket(bucket)
            matching = [o for o in held.soft_deleted if (o.name, o.generation) == (name, generation)]
            if not matching:
                raise no_object(bucket, name)
            old = matching[0]
            upload = Upload(name, old.data, old.settings, old.crc32c, old.md5, old.components)
            return self.write(bucket, upload, conditions)

    def set_settings(
        self,
        bucket: str,
        name: str,
        change: dict[str, Any],
        conditions: Conditions = _NONE,
        *,
        generation: int | None = None,
        whole: bool = False,
    ) -> StoredObject:
        """Patch (or with `whole` replace) an object's settings; its metageneration counts up."""
        with self.lock:
            held = self.bucket(bucket)
            old = self.find(bucket, name, generation)
            self.check(conditions, old)
            base = {key: old.settings[key] for key in ("contentType",) if key in old.settings}
            settings = writable(merged(base if whole else old.settings, change))
            new = replace(old, settings=settings, metageneration=old.metageneration + 1, updated=self.tick())
            if old.deleted is None:
                held.live[name] = new
            else:
                held.noncurrent = [new if o is old else o for o in held.noncurrent]
            return new
