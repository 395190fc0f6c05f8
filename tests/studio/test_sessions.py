"""Files of a session: below a folder of its own, deleted when it has been closed for long enough."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio.context import LocalContext

from studio import sessions
from studio.results import RunFolder


@contextmanager
def serving(session: str) -> Iterator[SimpleNamespace]:
    request = SimpleNamespace(session_hash=session)
    token = LocalContext.request.set(request)  # type: ignore[arg-type]
    try:
        yield request
    finally:
        LocalContext.request.reset(token)


def run(session: str) -> Path:
    with serving(session):
        path = RunFolder("photo.png").path
    (path / "a.png").write_bytes(b"a picture")
    return path


def test_sessions_have_folders_of_their_own_whatever_they_are_called(gradio_cache: Path) -> None:
    one, other, strange = run("one"), run("other"), run("../../etc")
    assert len({path.parent for path in (one, other, strange)}) == 3
    assert all(path.parents[1] == gradio_cache / "runs" for path in (one, other, strange))
    assert run("one").parent == one.parent


def test_a_closed_session_s_files_go_after_the_time_and_no_other_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sessions.VARIABLE, "0.2")
    one, other = run("one"), run("other")
    sessions.close(SimpleNamespace(session_hash="one"))  # type: ignore[arg-type]
    assert one.exists(), "a page that comes back finds them"
    deadline = time.monotonic() + 20
    while one.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not one.parent.exists() and other.exists()


def test_a_session_that_comes_back_keeps_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sessions.VARIABLE, "0.2")
    one = run("one")
    sessions.close(SimpleNamespace(session_hash="one"))  # type: ignore[arg-type]
    again = run("one")
    time.sleep(0.3)
    sessions.sweep()
    assert one.exists() and again.exists()


def test_what_nobody_closes_goes_after_a_day() -> None:
    old, new = run("old"), run("new")
    os.utime(old.parent, (time.time() - 25 * 3600,) * 2)
    run("a new session")
    assert not old.exists() and new.exists()
