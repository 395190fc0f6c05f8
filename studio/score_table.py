"""Scores as an HTML table: input, baseline, enhanced, difference, better direction, seconds. All text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from rapsr_core.quality.scoring import Score
from rapsr_core.quality.table import METRICS, Metric

COLUMNS = (("input", "Input (bicubic x4)"), ("baseline", "Baseline"), ("enhanced", "Enhanced"))
GRID = "grid"
WARNING = (
    "No-reference scores can be gamed: BRISQUE and PIQE reward a fine grid or speckle. Read them beside the grid energy "
    "and your own eyes at 1:1."
)

Scores = Mapping[str, Mapping[str, Score]]
"""which image -> metric -> score."""


def render(scores: Scores, metrics: Sequence[str]) -> str:
    """The panel: one row a metric (names in METRICS), then grid energy, then what to make of it. Missing cells show a dash."""
    rows = [_row(METRICS[name], scores) for name in metrics if name != GRID]
    head = "".join(f'<th scope="col"><i data-branch="{key}"></i>{escape(label)}</th>' for key, label in COLUMNS)
    return (
        '<div class="scores"><table><caption class="hidden">No-reference quality scores</caption>'
        f'<thead><tr><th scope="col">Score</th>{head}<th scope="col">Difference</th><th scope="col">Better</th>'
        '<th scope="col">Seconds</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>{_grid(scores)}{_verdict(scores, metrics)}"
        f'<p class="fine">Difference = enhanced − baseline. {escape(WARNING)}</p></div>'
    )


def verdicts(scores: Scores, metrics: Sequence[str]) -> dict[str, str]:
    """Metric -> "baseline", "enhanced" or "equal", for metrics that scored both; grid energy is no judge of quality."""
    found = {}
    for name in metrics:
        baseline, enhanced = (_value(scores, which, name) for which in ("baseline", "enhanced"))
        if name == GRID or baseline is None or enhanced is None:
            continue
        better = "enhanced" if (enhanced < baseline) == METRICS[name].lower_better else "baseline"
        found[name] = "equal" if enhanced == baseline else better
    return found


def _row(metric: Metric, scores: Scores) -> str:
    given = [scores[which][metric.name] for which, _ in COLUMNS if metric.name in scores.get(which, {})]
    arrow, word = ("↓", "lower is better") if metric.lower_better else ("↑", "higher is better")
    name = f'<th scope="row" title="{escape(metric.help)}">{escape(metric.label)} <span class="way" title="{word}">{arrow}</span></th>'
    errors = dict.fromkeys(score.error for score in given if score.error)
    if errors and all(score.value is None for score in given):
        return f'<tr>{name}<td colspan="6" class="failed">{escape("; ".join(map(str, errors)))}</td></tr>'
    winner = verdicts(scores, [metric.name]).get(metric.name, "")
    cells = "".join(_cell(scores.get(which, {}).get(metric.name), which == winner) for which, _ in COLUMNS)
    seconds = f"{sum(score.seconds for score in given):.1f}" if given else "–"
    return f"<tr>{name}{cells}{_difference(metric, scores)}<td>{_better(winner)}</td><td>{seconds}</td></tr>"


def _cell(score: Score | None, wins: bool) -> str:
    if score is None:
        return "<td>–</td>"
    if score.value is None:
        return f'<td class="failed" title="{escape(score.error or "")}">failed</td>'
    return f'<td class="wins">{score.value:.2f}</td>' if wins else f"<td>{score.value:.2f}</td>"


def _difference(metric: Metric, scores: Scores) -> str:
    baseline, enhanced = (_value(scores, which, metric.name) for which in ("baseline", "enhanced"))
    if baseline is None or enhanced is None:
        return "<td>–</td>"
    change = enhanced - baseline
    tone = "flat" if change == 0 else "good" if (change < 0) == metric.lower_better else "bad"
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return f'<td class="{tone}">{sign}{abs(change):.2f}</td>'


def _better(winner: str) -> str:
    labels = {"enhanced": "enhanced ✓", "baseline": "baseline", "equal": "equal", "": "–"}
    return labels[winner]


def _grid(scores: Scores) -> str:
    values = [(label, _value(scores, which, GRID)) for which, label in COLUMNS]
    if all(value is None for _, value in values):
        return ""
    texts = ", ".join(f"{label.split(' (')[0].lower()} {value:.2f}" for label, value in values if value is not None)
    return f'<p class="grid"><b>Grid energy</b> at 4 px: {escape(texts)}. About 1 in photographs; higher means a visible grid.</p>'


def _verdict(scores: Scores, metrics: Sequence[str]) -> str:
    found = verdicts(scores, metrics)
    sides = {which: [METRICS[name].label for name, better in found.items() if better == which] for which in ("enhanced", "baseline")}
    if sides["enhanced"] and sides["baseline"]:
        text = f"Metrics disagree: {_join(sides['enhanced'])} prefer{_s(sides['enhanced'])} the enhanced picture, {_join(sides['baseline'])} the baseline."
        return f'<p class="disagree" role="note">{escape(text)}</p>'
    return ""


def _value(scores: Scores, which: str, name: str) -> float | None:
    score = scores.get(which, {}).get(name)
    return score.value if score else None


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _s(words: Sequence[str]) -> str:
    return "s" if len(words) == 1 else ""
