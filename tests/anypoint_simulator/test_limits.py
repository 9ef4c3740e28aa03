from __future__ import annotations

from email.utils import parsedate_to_datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.anypoint_simulator.client import NOW, Client, simulated

from anypoint_simulator import Behaviour
from anypoint_simulator.limiter import ClockLimiter, RollingLimiter

MINUTE = 60.0
START = NOW - NOW % MINUTE


def statuses(client: Client, count: int) -> list[int]:
    """Send that many audit requests."""
    return [client.post(client.anypoint.root).status for _ in range(count)]


def limited(**switches: object) -> Behaviour:
    """Return a behaviour with a limit of three a minute."""
    return Behaviour(requests_per_minute=3, token_entries=False).changed(switches)


def test_over_the_limit_the_answer_is_503_without_a_body_until_the_clock_minute_ends() -> None:
    with simulated(behaviour=limited()) as client:
        client.clock.now = START + 55
        client.log_in()
        assert statuses(client, 5) == [200, 200, 200, 503, 503]
        answer = client.post(client.anypoint.root)
        assert (answer.data, answer.headers["Content-Length"]) == (b"", "0")
        assert "Retry-After" not in answer.headers
        client.clock.now = START + 59.9
        assert statuses(client, 1) == [503]
        client.clock.now = START + 60
        assert statuses(client, 4) == [200, 200, 200, 503]
        assert client.anypoint.counters.over_limit == 5
        assert client.anypoint.counters.max_in_a_minute == 11


def test_a_rolling_limit_opens_as_old_requests_leave_the_minute() -> None:
    with simulated(behaviour=limited(limit_kind="rolling")) as client:
        client.log_in()
        client.clock.now = START + 30
        assert statuses(client, 2) == [200, 200]
        client.clock.now = START + 59
        assert statuses(client, 2) == [200, 503]
        client.clock.now = START + 61
        assert statuses(client, 1) == [503]
        client.clock.now = START + 90
        assert statuses(client, 3) == [200, 200, 503]


def test_a_shorter_minute_compresses_the_limit() -> None:
    with simulated(behaviour=limited(minute_seconds=1)) as client:
        client.log_in()
        assert statuses(client, 4) == [200, 200, 200, 503]
        client.clock.now += 1
        assert statuses(client, 1) == [200]


def test_retry_after_is_a_switch_and_tells_the_end_of_the_minute() -> None:
    with simulated(behaviour=limited(retry_after="seconds")) as client:
        client.log_in()
        client.clock.now = START + 17.5
        statuses(client, 3)
        assert client.post(client.anypoint.root).headers["Retry-After"] == "43"
        client.anypoint.change(retry_after="date")
        date = client.post(client.anypoint.root).headers["Retry-After"]
        assert parsedate_to_datetime(date).timestamp() == START + 60


def test_somebody_else_may_spend_the_allowance() -> None:
    for kind in ("clock", "rolling"):
        with simulated(behaviour=limited(limit_kind=kind)) as client:
            client.log_in()
            client.anypoint.spend(2)
            assert statuses(client, 2) == [200, 503]
            client.clock.now += 60
            assert statuses(client, 3) == [200, 200, 200]


def test_every_audit_endpoint_counts_and_no_accounts_endpoint_does() -> None:
    with simulated(behaviour=limited()) as client:
        client.log_in()
        for path in ("platforms", "actions", "objectTypes"):
            client.send("GET", f"/audit/v2/organizations/{client.anypoint.root}/{path}")
        assert statuses(client, 1) == [503]
        assert client.send("GET", "/accounts/api/me").status == 200


def test_the_limit_comes_before_the_token() -> None:
    with simulated(behaviour=limited()) as client:
        assert statuses(client, 4) == [401, 401, 401, 503]


def test_the_accounts_service_has_a_limit_of_its_own_with_headers() -> None:
    with simulated(behaviour=Behaviour(accounts_per_minute=2)) as client:
        client.clock.now = START + 20
        client.log_in()
        assert client.ask_token().status == 200
        answer = client.ask_token()
        assert answer.status == 429
        assert answer.headers["X-RateLimit-Limit"] == "2"
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert answer.headers["X-RateLimit-Reset"] == str(int(START) + 60)
        client.anypoint.change(accounts_limit_status="503")
        answer = client.ask_token()
        assert (answer.status, answer.data) == (503, b"")


@given(limit=st.integers(1, 5), steps=st.lists(st.floats(0, 30), max_size=60))
def test_neither_limiter_lets_more_through_than_it_says(limit: int, steps: list[float]) -> None:
    clock, rolling, now = ClockLimiter(), RollingLimiter(), 0.0
    passed: dict[str, list[float]] = {"clock": [], "rolling": []}
    for step in steps:
        now += step
        if clock.ask("ip", now, limit, MINUTE).allowed:
            passed["clock"].append(now)
        if rolling.ask("ip", now, limit, MINUTE).allowed:
            passed["rolling"].append(now)
    for moment in passed["clock"]:
        assert sum(other // MINUTE == moment // MINUTE for other in passed["clock"]) <= limit
    for moment in passed["rolling"]:
        assert sum(moment - MINUTE < other <= moment for other in passed["rolling"]) <= limit


def test_each_address_has_its_own_allowance() -> None:
    for limiter in (ClockLimiter(), RollingLimiter()):
        assert limiter.ask("a", 1, 1, MINUTE).allowed
        assert not limiter.ask("a", 1, 1, MINUTE).allowed
        assert limiter.ask("b", 1, 1, MINUTE).allowed
