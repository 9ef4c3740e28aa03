"""Timestamps by a third party (RFC 3161): proof that some bytes existed at some time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import urllib3

from mulesoft_audit.errors import SourceError, UsageError
from mulesoft_audit.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 1 << 20  #: bytes of a response that are read
SECONDS = 30.0


def timestamp_server(url: str) -> Callable[[bytes], bytes]:
    """Return what asks a server for a timestamp of the SHA-256 of some bytes.

    Raises:
        UsageError: the URL is none, or the extra `seal` is not installed.
    """
    require("seal", "--timestamp-server")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--timestamp-server is {url!r}; expected http://HOST/PATH or https://HOST/PATH.")
    if "@" in url.split("/")[2]:
        raise UsageError(
            "--timestamp-server names a user or a password, which is not sent.", "Leave out what stands before the @."
        )
    return lambda data: _ask(url, data)


def _ask(url: str, data: bytes) -> bytes:
    """Return the timestamp of `data`, as it was received.

    Raises:
        SourceError: the server gives none.
    """
    from rfc3161_client import PKIStatus, TimestampRequestBuilder, decode_timestamp_response

    request = TimestampRequestBuilder().data(data).build()
    hint = "The seal is made and signed, without a timestamp."
    try:
        response = urllib3.request(
            "POST",
            url,
            body=request.as_bytes(),
            headers={"Content-Type": "application/timestamp-query"},
            timeout=SECONDS,
            retries=urllib3.Retry(2, redirect=0),
            preload_content=False,
        )
        body = response.read(LARGEST)
        response.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise SourceError(f"The timestamp server {url} does not respond ({type(error).__name__}).", hint) from None
    try:
        found = decode_timestamp_response(body)
        granted = found.status in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS)
        same = granted and found.tst_info.message_imprint.message == request.message_imprint.message
    except ValueError:
        same = False
    if response.status != 200 or not same:
        raise SourceError(f"The timestamp server {url} gave no timestamp of the seal ({response.status}).", hint)
    return body
