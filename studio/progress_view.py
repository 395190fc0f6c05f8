"""Progress of a comparison as HTML: the stages with their times, a bar, and the time left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

STAGES = {"cleaner": "Cleaner", "baseline": "Baseline", "enhanced": "Enhanced", "scores": "Scores"}


@dataclass(frozen=True)
class Progress:
    """Where a comparison stands. `fraction` is of the whole comparison, in [0, 1]."""

    message: str
    fraction: float = 0.0
    stage: str = ""  # a key of STAGES, or "" before the first
    seconds: Mapping[str, float] = field(default_factory=dict)  # stage -> seconds so far


def render(progress: Progress) -> str:
    """Bar (role="progressbar"), the stages, and a line of text that screen readers announce."""
    percent = round(100 * min(max(progress.fraction, 0), 1))
    stages = "".join(_stage(key, label, progress) for key, label in STAGES.items())
    return (
        '<div class="progress">'
        f'<div class="track" role="progressbar" aria-label="Comparison" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div class="fill" style="width: {percent}%"></div></div>'
        f'<div class="below"><span class="message" role="status">{escape(progress.message)}</span><ol>{stages}</ol></div></div>'
    )


def message(stage: str, step: int, steps: int, seconds_left: float | None) -> str:
    """One line: "Enhanced, step 3 of 8, about 7 s left"."""
    return f"{STAGES[stage]}, step {step} of {steps}, {time_left(seconds_left)}"


def time_left(seconds: float | None) -> str:
    """ "about 7 s left", "about 3 min left", or that no speed was measured yet."""
    return "measuring the speed of this machine" if seconds is None else f"about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds as people say them: "7 s", "3 min", "2.5 h"."""
    if seconds < 99.5:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _stage(key: str, label: str, progress: Progress) -> str:
    now = progress.stage == key
    done = key in progress.seconds and not now
    state = "now" if now else "done" if done else "later"
    seconds = f" <small>{progress.seconds[key]:.1f} s</small>" if key in progress.seconds else ""
    step = ' aria-current="step"' if now else ""
    return f'<li class="{state}"{step}>{label}{seconds}</li>'


READY, STOPPING, STOPPED, FAILED = (render(Progress(word)) for word in ("Ready", "Stopping …", "Stopped", "Not finished"))
