import threading
import time

import pytest

from studio.running import Running


def test_stop_waits_for_the_end_of_its_own_session_alone() -> None:
    running, began, leave = Running(), threading.Event(), threading.Event()

    def work() -> None:
        with running.of("mine"):
            began.set()
            leave.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    began.wait(10)
    assert running.ended("another's", 0.0)
    assert not running.ended("mine", 0.05)
    since = time.monotonic()
    threading.Timer(0.2, leave.set).start()
    assert running.ended("mine", 10.0) and 0.1 < time.monotonic() - since < 5
    thread.join()


def test_two_pages_runs_of_one_session_and_an_error() -> None:
    running = Running()
    with running.of("mine"):
        with pytest.raises(RuntimeError), running.of("mine"):
            raise RuntimeError
        assert not running.ended("mine", 0.0)
    assert running.ended("mine", 0.0)
