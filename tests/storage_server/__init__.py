"""A Cloud Storage test server: real HTTP, and the promises of the real service that a client may rely on.

Generations, metagenerations, preconditions, checksums, ranges, paging and resumable uploads behave as
documented for the JSON API, and requests can be made to fail on demand. See `StorageServer`.
"""

from tests.storage_server.errors import ApiError
from tests.storage_server.faults import Fault
from tests.storage_server.objects import StoredObject
from tests.storage_server.server import Seen, StorageServer

__all__ = ["ApiError", "Fault", "Seen", "StorageServer", "StoredObject"]
