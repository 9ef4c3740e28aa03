"""What a message means, and what it is refused for."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulesoft_audit.cloud.function import function_settings, working_seconds
from mulesoft_audit.cloud.message import Malformed, Message, decode, payload, period_of, trace_fields
from mulesoft_audit.errors import UsageError

DAY = 86_400_000
NOW = 20_000 * DAY + DAY // 2  # noon
SETTINGS = {"MULE_ORG_ID": "root", "CLIENT_ID": "app", "CLIENT_SECRET": "very secret", "GCS_BUCKET": "logs"}


def event(published: bytes) -> dict[str, Any]:
    return {"message": {"data": base64.b64encode(published).decode()}}


@pytest.mark.parametrize("published", [b"", b"{}", b" \n", b" { } "])
def test_nothing_in_particular_is_the_incremental_run(published: bytes) -> None:
    message = decode(payload(event(published)))
    assert message == Message()
    assert period_of(message, DAY, NOW).since is None


@pytest.mark.parametrize("data", [{"message": {}}, {"message": {"data": None}}, {"message": {"attributes": {}}}])
def test_a_message_without_data_is_an_empty_one(data: object) -> None:
    assert payload(data) == b""


def test_what_is_published_is_what_is_understood() -> None:
    message = Message(("a", "b"), "2024-01-01", "2024-02-01T00:00:00Z", 3)
    assert decode(message.encoded()) == message
    assert Message().encoded() == b"{}"


@given(st.binary(max_size=200))
def test_anything_at_all_is_understood_or_refused(published: bytes) -> None:
    try:
        message = decode(payload(event(published)))
    except Malformed as error:
        said = str(error)
    else:
        said = repr(message)
    assert len(said) < 1000


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=9), x)
    )
)
def test_any_event_is_understood_or_refused(data: object) -> None:
    try:
        payload(data)
    except Malformed:
        return


def test_a_continuation_asks_for_the_same_time_however_late_it_comes() -> None:
    message = Message(("a",), "2d", "1h", 3)
    period = period_of(message, DAY, NOW)
    following = message.next(period)
    assert period_of(following, DAY, NOW + DAY) == period
    assert (following.organizations, following.continued) == (("a",), 4)
    assert Message().next(period_of(Message(), DAY, NOW)) == Message(continued=1)


def test_a_period_begins_with_the_day_of_its_since() -> None:
    period = period_of(Message(since="36h"), DAY, NOW)
    assert (period.since, period.until) == (NOW // DAY * DAY - DAY, None)


def test_an_end_a_little_in_the_future_is_now() -> None:
    """Whoever published may have a clock that is ahead; the message is not lost for it."""
    assert period_of(Message(since="2024-10-01", until="2024-10-04T12:00:05Z"), DAY, NOW).until is None


@pytest.mark.parametrize(
    ("headers", "attributes", "inner", "trace"),
    [
        (
            {},
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            {"googclient_traceparent": f"00-{'c' * 32}-{'d' * 16}-01"},
            "a",
        ),
        (
            {"traceparent": f"00-{'e' * 32}-{'b' * 16}-01"},
            {},
            {"googclient_traceparent": f"00-{'c' * 32}-{'d' * 16}-01"},
            "c",
        ),
        ({"traceparent": f"00-{'e' * 32}-{'b' * 16}-01"}, {"traceparent": "nonsense"}, {}, "e"),
        ({"X-Cloud-Trace-Context": f"{'f' * 32}/12;o=1"}, {}, {}, "f"),
        ({"X-Cloud-Trace-Context": "nonsense"}, {}, {}, ""),
    ],
)
def test_the_trace_is_found_wherever_it_is(
    headers: dict[str, str], attributes: dict[str, str], inner: dict[str, str], trace: str
) -> None:
    data = {"message": {"attributes": inner, "messageId": "17"}}
    fields = trace_fields(attributes, data, headers, "mine")
    assert fields.get("logging.googleapis.com/trace") == (f"projects/mine/traces/{trace * 32}" if trace else None)
    assert fields["logging.googleapis.com/labels"] == {"message_id": "17"}


def test_a_trace_of_no_known_project_is_left_out() -> None:
    attributes = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "source": "elsewhere"}
    assert "logging.googleapis.com/trace" not in trace_fields(attributes, None, {}, "")


@pytest.mark.parametrize(("timeout", "seconds"), [("", 513), ("600", 570), ("3600", 3420), ("60", 45), ("20", 10)])
def test_time_is_left_to_commit(timeout: str, seconds: float) -> None:
    assert working_seconds(timeout) == seconds


@pytest.mark.parametrize("timeout", ["0", "-5", "soon", "nan", "1e9"])
def test_a_timeout_that_is_none_is_refused(timeout: str) -> None:
    with pytest.raises(UsageError, match="CLOUD_RUN_TIMEOUT_SECONDS"):
        working_seconds(timeout)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("ARCHIVE", "CLIENT_SECRET_FILE", "MULESOFT_AUDIT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize("name", SETTINGS)
def test_each_missing_setting_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    with pytest.raises(UsageError, match=f"^{name} is not set"):
        function_settings(Message())


def test_a_message_that_names_organizations_needs_no_root(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("MULE_ORG_ID")
    assert function_settings(Message(("group",))).mule_org_id == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("RATE_SHARE", "2"), ("CONTINUE_TOPIC", "audit"), ("ANYPOINT_PLANE", "mars"), ("HTTP_TIMEOUT", "long")],
)
def test_a_malformed_setting_is_named(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(UsageError, match=name):
        function_settings(Message())
