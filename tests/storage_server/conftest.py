"""The server, and the official client without any retries: what the server says is what the test sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from tests.storage_server import StorageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "audit-archive"


@pytest.fixture
def server() -> Iterator[StorageServer]:
    with StorageServer(buckets=[BUCKET]) as server:
        yield server


@pytest.fixture
def client(server: StorageServer) -> Iterator[storage.Client]:
    options = {"api_endpoint": server.url}
    client = storage.Client(project="project-1", credentials=AnonymousCredentials(), client_options=options)
    client._bucket_metadata_cache = None  # it asks for buckets in the background
    yield client
    client._http.close()


@pytest.fixture
def bucket(client: storage.Client) -> storage.Bucket:
    return client.bucket(BUCKET)


@pytest.fixture
def http(server: StorageServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def base(server: StorageServer) -> str:
    return f"{server.url}/storage/v1/b/{BUCKET}"


@pytest.fixture
def upload(server: StorageServer) -> str:
    return f"{server.url}/upload/storage/v1/b/{BUCKET}/o"
