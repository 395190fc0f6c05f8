"""Scores as an HTML table: input, baseline, enhanced, difference, better direction, seconds. All text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from rapsr_core.quality.table import LIVE, METRICS, lower_better
from studio.viewer import ScoreRow

if TYPE_CHECKING:
    from rapsr_core.quality.scoring import Score

COLUMNS = (("input", "Input (bicubic x4)"), ("baseline", "Baseline"), ("enhanced", "Enhanced"))
GRID = "grid"
WARNING = (
    "No-reference scores can be gamed: BRISQUE and PIQE reward a fine grid or speckle. Read them beside the grid energy "
    "and your own eyes at 1:1."
)
BETTER = {"enhanced": "enhanced ✓", "baseline": "baseline", "equal": "equal", "": "–"}

Scores = Mapping[str, "Mapping[str, Score]"]
"""which image -> metric -> score."""


def render(scores: Scores, metrics: Sequence[str]) -> str:
    """The panel: one row a metric, then grid energy, then what to make of it. A cell still to come is a dash."""
    rows = [_row(name, scores) for name in metrics]
    head = "".join(f'<th scope="col"><i data-branch="{key}"></i>{escape(label)}</th>' for key, label in COLUMNS)
    return (
        '<div class="scores"><table><caption>No-reference quality scores</caption>'
        f'<thead><tr><th scope="col">Score</th>{head}<th scope="col">Difference</th><th scope="col">Better</th>'
        '<th scope="col">Seconds</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>{_grid(scores)}{_disagreement(verdicts(scores, metrics))}"
        f'<p class="fine">Difference = enhanced − baseline. {escape(WARNING)}</p></div>'
    )


def live_rows(scores: Scores, which: str) -> tuple[ScoreRow, ...]:
    """The live scores of one image, as the viewer shows them beside its label."""
    found = ((name, _value(scores, which, name)) for name in LIVE)
    better = verdicts(scores, LIVE)
    return tuple(
        ScoreRow(METRICS[name].label, f"{value:.2f}", better.get(name) == which) for name, value in found if value is not None
    )


def verdicts(scores: Scores, metrics: Sequence[str]) -> dict[str, str]:
    """Metric -> "baseline", "enhanced" or "equal", for those that scored both."""
    found = {}
    for name in metrics:
        baseline, enhanced = (_value(scores, which, name) for which in ("baseline", "enhanced"))
        if baseline is not None and enhanced is not None:
            better = "enhanced" if (enhanced < baseline) == lower_better(name) else "baseline"
            found[name] = "equal" if enhanced == baseline else better
    return found


def _row(name: str, scores: Scores) -> str:
    given = [scores[which][name] for which, _ in COLUMNS if name in scores.get(which, {})]
    errors = dict.fromkeys(score.error for score in given if score.error)
    if errors and all(score.value is None for score in given):
        sentence = escape("; ".join(filter(None, errors)))
        return f'<tr>{_heading(name, False)}<td colspan="6" class="failed">{sentence}</td></tr>'
    winner = verdicts(scores, [name]).get(name, "")
    cells = "".join(_cell(scores.get(which, {}).get(name), which == winner) for which, _ in COLUMNS)
    seconds = f"{sum(score.seconds for score in given):.1f}" if given else "–"
    heading = _heading(name, name in METRICS or bool(given))
    return f"<tr>{heading}{cells}{_difference(name, scores, winner)}<td>{BETTER[winner]}</td><td>{seconds}</td></tr>"


def _heading(name: str, directed: bool) -> str:
    """`directed`: the direction is known; pyiqa is asked for metrics outside our table, and only once it has scored."""
    way = ""
    if directed:
        arrow, words = ("↓", "lower is better") if lower_better(name) else ("↑", "higher is better")
        way = f' <span class="way" role="img" aria-label="{words}" title="{words}">{arrow}</span>'
    label, help_text = (METRICS[name].label, METRICS[name].help) if name in METRICS else (name, "a metric of pyiqa")
    return f'<th scope="row" title="{escape(help_text)}">{escape(label)}{way}</th>'


def _cell(score: Score | None, wins: bool) -> str:
    if score is None:
        return "<td>–</td>"
    if score.value is None:
        return f'<td class="failed" title="{escape(score.error or "")}">failed</td>'
    return f'<td class="wins">{score.value:.2f}</td>' if wins else f"<td>{score.value:.2f}</td>"


def _difference(name: str, scores: Scores, winner: str) -> str:
    baseline, enhanced = (_value(scores, which, name) for which in ("baseline", "enhanced"))
    if baseline is None or enhanced is None:
        return "<td>–</td>"
    tone = {"enhanced": "good", "baseline": "bad"}.get(winner, "flat")
    change = enhanced - baseline
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return f'<td class="{tone}">{sign}{abs(change):.2f}</td>'


def _grid(scores: Scores) -> str:
    values = ((label.split(" (")[0].lower(), _value(scores, which, GRID)) for which, label in COLUMNS)
    texts = ", ".join(f"{label} {value:.2f}" for label, value in values if value is not None)
    if not texts:
        return ""
    return f'<p class="grid"><b>Grid energy</b> at 4 px: {texts}. About 1 in photographs; higher means a visible grid.</p>'


def _disagreement(found: Mapping[str, str]) -> str:
    sides = {
        side: [METRICS[name].label if name in METRICS else name for name, better in found.items() if better == side]
        for side in ("enhanced", "baseline")
    }
    if not all(sides.values()):
        return ""
    verb = "prefers" if len(sides["enhanced"]) == 1 else "prefer"
    text = f"Metrics disagree: {_join(sides['enhanced'])} {verb} the enhanced picture, {_join(sides['baseline'])} the baseline."
    return f'<p class="disagree" role="note">{escape(text)}</p>'


def _value(scores: Scores, which: str, name: str) -> float | None:
    score = scores.get(which, {}).get(name)
    return score.value if score else None


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
