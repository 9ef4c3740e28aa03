"""What survives between invocations, and what a SIGTERM reaches."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.instance import TERMINATED, Instance, end_with_sigterm
from mulesoft_audit.errors import UsageError
from mulesoft_audit.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def settings(archive: Path, **more: str) -> Settings:
    plain: dict[str, Any] = {"client_id": "app", "client_secret": "not so secret", "archive": str(archive)}
    return Settings(**{**plain, **more})


def test_what_was_opened_is_used_again_until_a_setting_changes(tmp_path: Path) -> None:
    instance = Instance()
    source, store = instance.opened(settings(tmp_path))
    assert instance.opened(settings(tmp_path)) == (source, store)
    assert instance.opened(settings(tmp_path, client_secret="another secret"))[0] is not source
    with pytest.raises(UsageError, match="CLIENT_ID"):
        instance.opened(settings(tmp_path, client_id=""))


def test_every_run_of_an_instance_keeps_one_pace_and_stops_for_itself(tmp_path: Path) -> None:
    source, _ = Instance().opened(settings(tmp_path))
    one, other = Stop(), Stop()
    first, second = source.sharing(one), source.sharing(other)
    first.pacer.acquire()
    assert second.pacer.last_minute() == 1
    assert (first.pacer.requests, second.pacer.requests) == (1, 0)
    one.ask("enough")
    assert (first.transport.stop.asked, second.transport.stop.asked) == (True, False)


def test_ending_reaches_runs_that_go_on_and_runs_that_begin() -> None:
    instance, stop, late = Instance(), Stop(), Stop()
    began, asked = threading.Event(), threading.Event()

    def run() -> None:
        with instance.running(stop):
            began.set()
            while not stop.asked:
                asked.wait(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    began.wait(5)
    instance.terminate()
    thread.join(5)
    assert stop.reason == TERMINATED
    with instance.running(late):
        assert late.asked


def test_a_server_without_gunicorn_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gunicorn.workers.base", None)
    end_with_sigterm(Instance())
