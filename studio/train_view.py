"""What the Train tab says, as HTML: the plan of a run, how far it is, its loss, its sheets, the end of its log. All text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Set
from html import escape
from typing import Any

from rapsr_core.jobs import Job, Progress
from studio.line_chart import Chart
from studio.progress_view import duration
from studio.train_jobs import Dataset
from studio.train_settings import EMBEDDED

POINTS = 300
"""Most points of the loss curve."""
FIGURES = {
    "lr": "Learning rate",
    "gradient_norm": "Gradient norm",
    "identifier_contrast": "Identifier contrast",
}
"""Labels of figures that a run logs; others are shown under their own name."""
CONTRAST = (
    "Identifier contrast: how far apart the pictures of the two identifiers are, in units of what the first one changes. Near 0 the prior does not "
    "hear them; it grows while they are learned."
)
NO_RUNS = '<p class="fine">No run yet. The settings on this page start one.</p>'


def state_of(job: Job) -> str:
    """ "running", "stopping" or how it ended."""
    return "stopping" if job.stopping else job.state


def plan(found: Dataset, values: Mapping[str, Any], prior: str, speed: tuple[float, str] | None, cached: int) -> str:
    """What Start would do: photographs, samples, and the time as far as it is known."""
    steps, batch = int(values["steps"]), int(values["batch_size"])
    samples = steps * batch
    each = samples / max(found.photographs, 1)
    told = [
        f"<b>{found.photographs:,}</b> photographs of {escape(found.name)}; {steps:,} steps of {batch} = {samples:,} samples, "
        f"each photograph about {each:,.{0 if each >= 10 else 1}f} times."
    ]
    if prior == EMBEDDED:
        patches = int(values["cache_items"])
        told.append(
            f"{patches:,} patches are made first" + (f", but for {min(cached, patches):,} that are there." if cached else ".")
        )
    if speed:
        told.append(
            f"Training takes about {duration(samples / speed[0])}, at the {speed[0]:.1f} samples a second of run {escape(speed[1])}."
        )
    else:
        told.append("The time is not known before a run with such settings has gone some steps on this machine.")
    return f'<p class="plan">{" ".join(told)}</p>'


def problem(messages: Mapping[str, str], empty: Set[str] = frozenset()) -> str:
    """What keeps a run from starting. `empty`: controls that nobody has touched yet, which is no fault."""
    rows = ((escape(message), "fine" if name in empty else "problem") for name, message in messages.items())
    return "".join(f'<p class="{kind}">{message}</p>' for message, kind in rows)


def busy(name: str) -> str:
    """Why Start cannot be pressed, or ""."""
    return f'<p class="fine">{escape(name)} is running, and only one run trains at a time: wait, or stop it.</p>' if name else ""


def lines(text: str, label: str) -> str:
    """Output of a program, scrolled by keyboard too."""
    return f'<pre class="log" tabindex="0" role="region" aria-label="{escape(label)}">{escape(text)}</pre>' if text else ""


def progress(job: Job, found: Progress, shelved: bool) -> str:
    """State, bar, and the figures of the last steps. `shelved`: its refinement is there."""
    share = found.step / found.steps if found.steps else 0.0
    percent = round(100 * (1.0 if job.state == "finished" else min(share, 1.0)))
    return (
        f'<div class="progress"><div class="track" role="progressbar" aria-label="Training of {escape(job.name)}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}"><div class="fill" style="width: {percent}%"></div></div>'
        f'<p class="state"><b>{escape(job.name)}</b> <span role="status">{_state(job, found, shelved)}</span>{_steps(job, found)}</p>'
        f"{_figures(found)}</div>"
    )


def curve(found: Progress) -> str:
    """The loss over the steps, or "" before there is any."""
    if not found.curve:
        return ""
    every = -(-len(found.curve) // POINTS)
    line = dict(found.curve[::-every][::-1])  # the last one is always there
    chart = Chart({"loss": line}, {"loss": ""}, found.steps or max(line), "{:.4f}".format, dots=len(line) <= 40)
    return chart.render("Loss", "<b>Loss over the steps</b> (lower is better, within one objective)")


def sheet(prior: str, identifiers: tuple[str, str], faults: bool, number: int, count: int, step: int) -> str:
    """What is on the sheet `number` (from 1) of `count`."""
    mine = [f"with {escape(text.strip())}" for text in identifiers] + (["with each fault's identifier"] if faults else [])
    rows = (
        ["the guide", "without identifier", *mine, "the target"]
        if prior == EMBEDDED
        else ["the target", "without identifier", *mine]
    )
    return f'<p class="fine">Sheet {number} of {count}, step {step:,}. Rows from the top: {", ".join(rows)}.</p>'


def _state(job: Job, found: Progress, shelved: bool) -> str:
    if job.stopping:
        return "is stopping: its present step ends, and a checkpoint is written"
    if job.state == "running":
        return (
            "is running"
            if found.step or found.steps
            else "is preparing: weights are loaded, captions and patches made (see the log)"
        )
    if job.state == "failed":
        first, *rest = job.reason.splitlines()
        return f'<span class="problem">failed: {escape(rest[-1] if rest else first)}</span>'
    if job.state == "stopped":
        return "was stopped; Resume goes on from its checkpoint"
    return "has finished; its refinement is in Compare" if shelved else "has finished; its refinement was taken off the shelf"


def _steps(job: Job, found: Progress) -> str:
    if not found.steps:
        return ""
    told = f"step {found.step:,} of {found.steps:,}"
    if job.state == "running" and not job.stopping and found.seconds_left is not None:
        told += f", about {duration(found.seconds_left)} left"
    return f'<span class="steps">{told}</span>'


def _figures(found: Progress) -> str:
    rows: dict[str, str] = {}
    if found.loss is not None:
        rows["Loss"] = f"{found.loss:.4f}"
    if found.samples_per_s is not None:
        rows["Samples a second"] = f"{found.samples_per_s:.1f}"
    rows |= {
        FIGURES.get(name, name.replace("_", " ")): f"{value:.3g}"
        for name, value in {**found.figures, **found.sheet_figures}.items()
    }
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in rows.items())
    told = f'<p class="fine">{CONTRAST}</p>' if "identifier_contrast" in found.sheet_figures else ""
    return f'<dl class="figures">{cells}</dl>{told}' if cells else ""
