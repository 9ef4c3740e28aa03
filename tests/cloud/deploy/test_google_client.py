"""The client that every call goes through: what it repeats, what it gives up on, what it makes of odd answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.fake_clock import FakeClock

from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.google import ApiError, Conflict, NotFound, Uncertain
from mulesoft_audit.cloud.google.client import TRIES, Google
from mulesoft_audit.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "pubsub.googleapis.com/v1/projects/p/topics/t"


class Scripted(requests.Session):
    """A session that answers from a script: a status with a body, or an exception."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def request(self, method: Any, url: Any, **_: Any) -> requests.Response:  # type: ignore[override]  # any options
        self.asked.append((method, url))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, response._content = answer
        return response


def client(
    *answers: tuple[int, bytes] | Exception, tell: Callable[[str], None] = lambda _: None
) -> tuple[Google, Scripted]:
    session = Scripted(*answers)
    return Google(session, Stop(FakeClock()), tell=tell), session


def test_a_url_without_a_scheme_is_https() -> None:
    google, session = client((200, b"{}"))
    google.get(URL, "look")
    assert session.asked == [("GET", f"https://{URL}")]


@pytest.mark.parametrize("answer", [(503, b""), (429, b"{}"), (500, b"<html>"), requests.ConnectionError("reset")])
def test_what_may_pass_is_repeated_a_bounded_number_of_times_over_a_minute(
    answer: tuple[int, bytes] | Exception,
) -> None:
    told: list[str] = []
    google, session = client(answer, tell=told.append)
    start = google.stop.clock.monotonic()
    with pytest.raises(ApiError):
        google.patch(URL, "change it", {})
    assert len(session.asked) == TRIES
    assert 45 < google.stop.clock.monotonic() - start < 90
    assert len(told) == TRIES - 1


def test_it_ends_with_the_first_good_answer() -> None:
    google, session = client((503, b""), requests.Timeout("slow"), (200, b'{"name": "t"}'))
    assert google.get(URL, "look") == {"name": "t"}
    assert len(session.asked) == 3


@pytest.mark.parametrize(("status", "kind"), [(400, ApiError), (404, NotFound), (409, Conflict), (412, Conflict)])
def test_what_will_not_pass_is_not_repeated(status: int, kind: type[ApiError]) -> None:
    google, session = client((status, b'{"error": {"message": "no"}}'))
    with pytest.raises(kind, match="Could not look: no"):
        google.get(URL, "look")
    assert len(session.asked) == 1


@pytest.mark.parametrize("answer", [(503, b""), (429, b""), requests.ConnectionError("reset")])
def test_what_would_happen_twice_is_sent_once(answer: tuple[int, bytes] | Exception) -> None:
    google, session = client(answer)
    with pytest.raises(ApiError):
        google.post(URL, "create it", {}, once=True)
    assert len(session.asked) == 1


def test_deleting_what_is_gone_is_done() -> None:
    google, _ = client((404, b"{}"))
    assert google.delete(URL, "delete it") == {}


def test_finding_nothing_is_no_error_but_anything_else_is() -> None:
    assert client((404, b"{}"))[0].find(URL, "look") is None
    with pytest.raises(ApiError):
        client((400, b"{}"))[0].find(URL, "look")


def test_an_answer_that_is_not_json_is_uncertain() -> None:
    google, _ = client((200, b"<html>portal</html>"))
    with pytest.raises(Uncertain, match="the response is not JSON"):
        google.get(URL, "look")


def test_every_page_is_read() -> None:
    google, session = client((200, b'{"feeds": [{"a": 1}], "nextPageToken": "x"}'), (200, b'{"feeds": [{"a": 2}]}'))
    assert list(google.pages(URL, "feeds", "list")) == [{"a": 1}, {"a": 2}]
    assert len(session.asked) == 2


def test_a_redirect_is_an_error() -> None:
    google, _ = client((302, b""))
    with pytest.raises(ApiError, match="HTTP 302"):
        google.get(URL, "look")


def test_somebody_who_asks_to_stop_is_heard_between_calls() -> None:
    google, session = client((503, b""))
    google.stop.ask("a signal")
    with pytest.raises(Interrupted):
        google.get(URL, "look")
    assert session.asked == []
