"""The files that are made for a visitor lie below a folder of the session, and go with it: an hour after its page or client has closed, as Gradio
forgets its State. A page that comes back within the hour, after sleep or a lost connection, finds them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from pathlib import Path

import gradio as gr
from gradio.context import LocalContext
from gradio.utils import get_upload_folder

VARIABLE, KEPT_S = "RAPSR_SESSION_FILES_S", 3600.0
"""Seconds for which the files of a closed session stay."""
ABANDONED_S = 24 * 3600
"""Files of callers that never say that they close (curl)."""
CLOSED = "closed"
"""A file of this name in a session's folder: since when it is closed."""


def kept_s() -> float:
    return float(os.environ.get(VARIABLE, KEPT_S))


def current() -> str:
    """Name of the session that is being served, as its client gives it; "none" where it gives none."""
    return getattr(LocalContext.request.get(None), "session_hash", None) or "none"


def run_folder(name: str) -> Path:
    """A new folder for files of the session that is being served, inside Gradio's cache."""
    session = _folder(current())
    if not session.exists():
        sweep()
    (session / name).mkdir(parents=True)
    (session / CLOSED).unlink(missing_ok=True)
    return session / name


def close(request: gr.Request) -> None:
    """A page or a client has gone."""
    folder = _folder(request.session_hash or "none")
    if folder.is_dir():
        (folder / CLOSED).touch()
        timer = threading.Timer(kept_s() + 1, sweep)
        timer.daemon = True
        timer.start()


def sweep() -> None:
    """Delete what closed sessions left, and what nobody closed in a day."""
    now = time.time()
    for folder in _root().glob("*"):
        closed = folder / CLOSED
        try:
            over = now - closed.stat().st_mtime > kept_s() if closed.exists() else now - folder.stat().st_mtime > ABANDONED_S
        except FileNotFoundError:  # another thread was faster
            continue
        if over:
            shutil.rmtree(folder, ignore_errors=True)


def _folder(session: str) -> Path:
    """A session's name comes from its client, so it is no folder's name."""
    return _root() / hashlib.sha256(session.encode()).hexdigest()[:32]


def _root() -> Path:
    return Path(get_upload_folder()) / "runs"
