"""Objects and buckets as values: what they are, and what their resources look like."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.storage_server import checksums
from tests.storage_server.errors import ApiError

#: What a client may set on an object; the rest of a resource is the service's.
WRITABLE = (
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "customTime",
    "eventBasedHold",
    "metadata",
    "storageClass",
    "temporaryHold",
)
_METADATA_LIMIT = 8 * 1024


def rfc3339(micros: int) -> str:
    """A time as the API spells it, to the millisecond."""
    return datetime.fromtimestamp(micros / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of an object. Never changed: a patch makes another value of the same generation."""

    bucket: str
    name: str
    data: bytes
    generation: int
    settings: dict[str, Any]
    crc32c: str
    md5: str | None
    metageneration: int = 1
    components: int | None = None
    updated: int = 0
    deleted: int | None = None
    retained_until: int | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """The custom metadata."""
        return dict(self.settings.get("metadata", {}))

    @property
    def content_type(self) -> str:
        """The media type, or the one that says nothing."""
        return str(self.settings.get("contentType", "application/octet-stream"))

    @property
    def etag(self) -> str:
        """Changes with the content and with the metadata."""
        return hashlib.md5(f"{self.generation}/{self.metageneration}".encode()).hexdigest()[:12]

    @property
    def held(self) -> bool:
        """Whether a hold forbids to delete or overwrite it."""
        return bool(self.settings.get("eventBasedHold") or self.settings.get("temporaryHold"))

    def resource(self, base: str) -> dict[str, Any]:
        """The JSON API's object resource; int64 are strings, absent values are left out."""
        link = f"{base}/storage/v1/b/{self.bucket}/o/{quote(self.name, safe='')}"
        media = f"{base}/download{link.removeprefix(base)}?generation={self.generation}&alt=media"
        optional = {
            "md5Hash": self.md5,
            "componentCount": self.components,
            "timeDeleted": rfc3339(self.deleted) if self.deleted else None,
            "retentionExpirationTime": rfc3339(self.retained_until) if self.retained_until else None,
        }
        return {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": link,
            "mediaLink": media,
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "storageClass": "STANDARD",
            "size": str(len(self.data)),
            "crc32c": self.crc32c,
            "etag": self.etag,
            "timeCreated": rfc3339(self.generation),
            "updated": rfc3339(self.updated or self.generation),
            "timeStorageClassUpdated": rfc3339(self.generation),
            **{key: value for key, value in optional.items() if value is not None},
            **self.settings,
        }


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be stored, before it is: the same for every way of sending it."""

    name: str
    data: bytes
    settings: dict[str, Any]
    crc32c: str
    md5: str | None
    components: int | None = None

    @classmethod
    def of(cls, name: str, data: bytes, resource: dict[str, Any], claims: dict[str, str]) -> Upload:
        """Check the name, the settings and the claimed checksums; compute the real ones."""
        check_name(name)
        checksums.verify(data, {**resource_claims(resource), **claims})
        return cls(name, data, writable(resource), checksums.crc32c(data), checksums.md5(data))


def resource_claims(resource: dict[str, Any]) -> dict[str, str]:
    """The checksums an object resource claims."""
    claims = {"crc32c": resource.get("crc32c"), "md5": resource.get("md5Hash")}
    return {kind: digest for kind, digest in claims.items() if digest}


def writable(resource: dict[str, Any]) -> dict[str, Any]:
    """What of a client's resource becomes the object's settings."""
    settings = {key: resource[key] for key in WRITABLE if resource.get(key) is not None}
    metadata = settings.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ApiError(400, "Invalid value for metadata: strings are expected.")
    if sum(len(key.encode()) + len(text.encode()) for key, text in metadata.items()) > _METADATA_LIMIT:
        raise ApiError(400, "The total size of user-provided metadata exceeds the 8 KiB limit.")
    return settings


def merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """JSON merge patch: null removes, objects merge, everything else replaces."""
    result = dict(old)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def check_name(name: str) -> None:
    """Refuse the object names that the service refuses."""
    bad = (
        not name
        or len(name.encode()) > 1024
        or name in {".", ".."}
        or any(char in name for char in "\r\n")
        or name.startswith(".well-known/acme-challenge/")
    )
    if bad:
        raise ApiError(400, "Invalid object name." if name else "Required")


@dataclass
class Bucket:
    """A bucket: its settings, its IAM policy, and the versions in it. Guarded by the state's lock."""

    name: str
    created: int
    settings: dict[str, Any]
    metageneration: int = 1
    updated: int = 0
    policy: dict[str, Any] = field(default_factory=dict)
    policy_version: int = 1
    live: dict[str, StoredObject] = field(default_factory=dict)
    noncurrent: list[StoredObject] = field(default_factory=list)
    soft_deleted: list[StoredObject] = field(default_factory=list)
    notifications: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def versioned(self) -> bool:
        """Whether overwritten and deleted versions are kept as noncurrent ones."""
        return bool(self.settings.get("versioning", {}).get("enabled"))

    @property
    def soft_delete_seconds(self) -> int:
        """How long deleted objects can be restored; 0: not at all."""
        return int(self.settings["softDeletePolicy"].get("retentionDurationSeconds", 0))

    @property
    def retention_seconds(self) -> int:
        """How old an object has to be before it may go; 0: no matter."""
        return int(self.settings.get("retentionPolicy", {}).get("retentionPeriod", 0))

    def resource(self, base: str) -> dict[str, Any]:
        """The JSON API's bucket resource."""
        return {
            "kind": "storage#bucket",
            "id": self.name,
            "name": self.name,
            "selfLink": f"{base}/storage/v1/b/{self.name}",
            "projectNumber": "123456789012",
            "metageneration": str(self.metageneration),
            "etag": f"CA{self.metageneration}=",
            "timeCreated": rfc3339(self.created),
            "updated": rfc3339(self.updated or self.created),
            **self.settings,
        }
