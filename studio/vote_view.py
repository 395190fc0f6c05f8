"""What the Vote tab says, as HTML: who was who, ratings, agreement of metrics. All text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rapsr_core.hosts.registry import HOSTS
from rapsr_core.quality.table import METRICS, lower_better
from rapsr_core.recipe import NONE, SHIPPED
from rapsr_core.votes import (
    BASELINE,
    Answer,
    Ballot,
    By,
    Contender,
    Rating,
    Share,
    Vote,
    VoteError,
    left_share,
    metric_agreement,
    rate,
)

HEADINGS: tuple[tuple[By, str], ...] = (
    ("host", "Hosts"),
    ("refinement", "Refinements"),
    ("system", "Host and refinement together"),
)
SAID: dict[Answer, str] = {
    "left": "left is better",
    "right": "right is better",
    "tie": "they are equal",
    "both bad": "both are bad",
}


def pool(count: int, asked: bool = False) -> str:
    """How many pairs wait; `asked`: besides the one that is shown."""
    if asked:
        return "Which one is better?" + (f" {count} more {'pair waits' if count == 1 else 'pairs wait'}." if count else "")
    if count == 0:
        return "No pair is waiting. Make one from an example, or record your comparisons."
    return f"{count} pair{'s are' if count > 1 else ' is'} waiting."


def revealed(ballot: Ballot, answer: Answer) -> str:
    """Both sides with their scores, after the vote."""
    metrics = [name for name in ballot.left.scores if name in ballot.right.scores]
    head = "".join(f'<th scope="col">{escape(_label(name))} {_arrow(name)}</th>' for name in metrics)
    rows = "".join(_side(side, name, metrics, answer) for side, name in ((ballot.left, "left"), (ballot.right, "right")))
    return (
        f'<div class="votes" role="status"><p><b>Your vote: {SAID[answer]}.</b></p><div class="wide"><table><thead><tr><th scope="col">Side</th>'
        f'<th scope="col">Host</th><th scope="col">Refinement</th>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>'
    )


def standing(votes: Sequence[Vote], dataset: str | None, problem: str) -> str:
    """Everything that the votes say so far."""
    where = f"They are copied to the dataset {dataset}." if dataset else "They stay on this machine."
    told = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    head = f"<p>{len(votes)} vote{'' if len(votes) == 1 else 's'} so far. {escape(where)}</p>{told}"
    return f'<div class="votes">{head}{"".join(_ratings(votes, by, name) for by, name in HEADINGS)}{_agreement(votes)}</div>'


def damaged(message: str) -> str:
    """A file of votes cannot be read."""
    return f'<div class="votes"><p class="problem" role="alert">{escape(message)}</p></div>'


def _ratings(votes: Sequence[Vote], by: By, heading: str) -> str:
    try:
        ratings = rate(votes, by)
    except VoteError:
        return f"<h3>{heading}</h3><p class='fine'>No vote compares them yet.</p>"
    ends = [abs(end) for row in ratings.rows for end in (row.low, row.high, row.strength) if end is not None]
    rows = "".join(_rating(row, by, max([*ends, 0.1])) for row in ratings.rows)
    groups = (
        f" They fall into {ratings.groups} groups that were never compared with each other; strengths hold within a group."
        if ratings.groups > 1 else ""
    )  # fmt: skip
    return (
        f'<h3>{heading}</h3><div class="wide"><table><thead><tr><th scope="col">Name</th><th scope="col">Strength</th><th scope="col">95 % interval</th>'
        '<th scope="col" class="chart">Around the average</th><th scope="col">Won</th><th scope="col">Lost</th><th scope="col">Tied</th>'
        f'<th scope="col">Both bad</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="fine">Votes: {ratings.votes}; left out because they do not compare these alone: {ratings.left_out}; both bad: {ratings.both_bad}.{groups} '
        "Bradley-Terry with ties (Davidson 1970), natural logarithms; 0 is the average. Intervals take votes as independent.</p>"
    )


def _rating(row: Rating, by: By, end: float) -> str:
    name = escape(_named(row.name, by))
    numbers = f"<td>{row.wins}</td><td>{row.losses}</td><td>{row.ties}</td><td>{row.both_bad}</td>"
    if row.low is None or row.high is None:
        return f'<tr><th scope="row">{name}</th><td>–</td><td>–</td><td class="chart"></td>{numbers}</tr>'
    left, right, middle = (50 + 50 * value / end for value in (row.low, row.high, row.strength))
    chart = f'<span class="interval" style="left: {left:.1f}%; width: {right - left:.1f}%"></span><span class="mark" style="left: {middle:.1f}%"></span>'
    interval = f"{_signed(row.low)} to {_signed(row.high)}"
    return f'<tr><th scope="row">{name}</th><td>{_signed(row.strength)}</td><td>{interval}</td><td class="chart"><div>{chart}</div></td>{numbers}</tr>'


def _agreement(votes: Sequence[Vote]) -> str:
    found = metric_agreement(votes, lower_better)
    if not found:
        return "<h3>Metrics</h3><p class='fine'>No vote has chosen a side yet.</p>"
    rows = "".join(
        f'<tr><th scope="row">{escape(_label(name))}</th><td>{_share(row.share)}</td><td>{row.share.count} of {row.share.total}</td><td>{row.equal}</td></tr>'
        for name, row in found.items()
    )
    side = left_share(votes)
    return (
        '<h3>Metrics</h3><div class="wide"><table><thead><tr><th scope="col">Metric</th><th scope="col">Agrees with the votes</th>'
        f'<th scope="col">Votes</th><th scope="col">Equal scores</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="fine">Of the votes that chose a side. 50 % is chance; intervals are 95 % (Wilson). The left side was chosen in {_share(side)}.</p>'
    )


def _side(side: Contender, name: str, metrics: Sequence[str], answer: Answer) -> str:
    scores = "".join(f"<td>{side.scores[metric]:.2f}</td>" for metric in metrics)
    mark = " ✓" if name == answer else ""
    return f'<tr><th scope="row">{name.capitalize()}{mark}</th><td>{escape(_host(side.host))}</td><td>{escape(_refinement(side.refinement))}</td>{scores}</tr>'


def _named(name: str, by: By) -> str:
    if by == "host":
        return _host(name)
    if by == "refinement":
        return _refinement(name)
    host, _, refinement = name.partition(" + ")
    return _host(host) + (f" + {_refinement(refinement)}" if refinement else ", baseline")


def _host(name: str) -> str:
    return HOSTS[name].label if name in HOSTS else name


def _refinement(name: str) -> str:
    return {BASELINE: "none (baseline)", NONE: "none: identifiers alone", SHIPPED: "RAP-SR"}.get(name, name)


def _label(metric: str) -> str:
    return METRICS[metric].label if metric in METRICS else metric


def _arrow(metric: str) -> str:
    return "↓" if lower_better(metric) else "↑"


def _share(share: Share) -> str:
    if share.value is None or share.low is None or share.high is None:
        return "–"
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
