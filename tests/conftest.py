"""What holds for every test, and which are units: those that start no process and no server (`make unit`)."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# How long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: programs would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
#: Folders and files below this folder. A file elsewhere may say `pytestmark = pytest.mark.unit` itself.
UNITS = (
    "anypoint/test_entry.py",
    "anypoint/test_pacer.py",
    "anypoint/test_scan.py",
    "anypoint_simulator/test_imports.py",
    "archive/test_layout.py",
    "archive/test_opening.py",
    "archive/test_temporary.py",
    "cloud/deploy/test_google_client.py",
    "collect/test_before_a_cap.py",
    "collect/test_fetch.py",
    "collect/test_pool.py",
    "collect/test_reading.py",
    "collect/test_rules.py",
    "collect/test_search.py",
    "cli/test_help.py",
    "cloud/function/test_instance.py",
    "cloud/function/test_message.py",
    "forward/test_documented.py",
    "ledger",
    "test_documentation.py",
    "test_errors.py",
    "test_extras.py",
    "test_printable.py",
    "test_settings.py",
    "test_times.py",
)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Keep the settings file of whoever runs the tests out of them, and out of what they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv("MULESOFT_AUDIT_CONFIG", raising=False)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the units."""
    places = [HERE / name for name in UNITS]
    for item in items:
        if any(item.path == place or place in item.path.parents for place in places):
            item.add_marker(pytest.mark.unit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold a unit, and the fixtures made for it, to what the word says."""
    if item.get_closest_marker("unit") is None:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((socket.socket, "bind"), (socket.socket, "connect"), (subprocess.Popen, "__init__")):
            patch.setattr(owner, name, _refused(getattr(owner, name)))
        return (yield)


def _refused(original: Callable[..., object]) -> Callable[..., object]:
    """Refuse a call to the test; threads that an earlier test left behind go on."""

    def call(*arguments: object, **named: object) -> object:
        if threading.current_thread() is threading.main_thread():
            pytest.fail("a unit test starts no process and no server: take its file out of UNITS in tests/conftest.py")
        return original(*arguments, **named)

    return call
