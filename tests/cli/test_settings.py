"""Settings and times that are refused, and which of two counts."""

from __future__ import annotations

import pytest
from tests.collect.hourly import now

from mulesoft_audit.errors import UsageError
from mulesoft_audit.settings import load
from mulesoft_audit.times import duration, moment


@pytest.mark.parametrize("text", ["999999w", "0001-01-01", "1970-01-01"])
def test_times_beyond_reason_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, now(), "--since")
    with pytest.raises(UsageError):
        duration("999999w", "LOOK_BACK")


def test_a_setting_hides_its_twin_of_a_lower_rank() -> None:
    environment = {"CLIENT_SECRET": "env", "ANYPOINT_BASE_URL": "https://a.example.com", "ARCHIVE": "a"}
    settings = load({"client_secret_file": "f", "anypoint_plane": "eu", "gcs_bucket": "b"}, environment)
    assert (settings.client_secret, settings.plane.name, settings.archive_url) == ("", "eu", "gs://b")
