"""How the page's events are sent: keyword arguments of Gradio's listeners. None of these events is part of the public API."""

from __future__ import annotations

from typing import Any

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
QUICK: dict[str, Any] = {**PRIVATE, "queue": False, "show_progress": "hidden"}
"""At once, past the queue. The browser shows no gr.Error of such an event, and hears of no change of a State."""
REFUSABLE: dict[str, Any] = {**PRIVATE, "show_progress": "hidden", "concurrency_limit": None}
"""At once, through the queue: for what may raise gr.Error."""
