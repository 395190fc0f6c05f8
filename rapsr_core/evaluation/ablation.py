"""The ablation of RAP-SR as a table: what each half of the method does by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rapsr_core.quality.table import METRICS, lower_better
from rapsr_core.recipe import Recipe


@dataclass(frozen=True)
class Variant:
    """One row. `trained_with`: arguments of train.refine that differ from its preset; None = no refinement at all."""

    name: str
    data: Literal["curated", "pool"]
    trained_with: tuple[str, ...] | None
    identifiers: bool  # otherwise the baseline's manual prompts
    question: str

    def recipe(self, recipe: Recipe, refinement: str) -> Recipe:
        """`recipe` with this variant as its enhanced branch."""
        given = replace(recipe.enhanced, refinement=refinement, strength=0.0 if self.trained_with is None else 1.0)
        if not self.identifiers:
            words = recipe.baseline
            given = replace(
                given, positive_identifier="", negative_identifier="", positive=words.positive, negative=words.negative
            )
        return replace(recipe, enhanced=given)


NO_IDENTIFIERS = ("--negative-share", "0", "--positive-identifier", "")

VARIANTS = {
    row.name: row
    for row in (
        Variant("identifiers alone", "curated", None, True, "do the texts do anything to a prior that never met them?"),
        Variant("RPR", "curated", NO_IDENTIFIERS, False, "curated data without identifiers, manual prompts"),
        Variant("ROPO", "pool", (), True, "identifiers on the uncurated pool"),
        Variant("RPR + ROPO", "curated", (), True, "the method"),
        Variant(
            "RPR + ROPO, independent LQ",
            "curated",
            ("--negative-lq", "independent"),
            True,
            "LQ and negative target from two draws",
        ),
        Variant("RPR + ROPO, LQ-free", "curated", ("--lq-free",), True, "trained as a text-only prior, as published"),
    )
}


def ablation_table(summaries: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> str:
    """Markdown from the summary.json of each variant, all on the same images: means, and below the baseline's each difference to it
    with its 95 % bootstrap interval; an interval that leaves out 0 is bold."""
    labels = [f"{METRICS[m].label if m in METRICS else m} {'↓' if lower_better(m) else '↑'}" for m in metrics]
    lines = [f"| variant | {' | '.join(labels)} |", f"|---|{'---:|' * len(metrics)}"]
    first = next(iter(summaries.values()))["metrics"]
    lines.append(f"| baseline | {' | '.join(_number(first[m]['baseline']) for m in metrics)} |")
    for name, summary in summaries.items():
        lines.append(f"| {name} | {' | '.join(_cell(summary['metrics'][m]) for m in metrics)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _cell(values: Mapping[str, Any]) -> str:
    if values["interval"] is None:
        return _number(values["enhanced"])
    low, high = values["interval"]
    difference = f"{values['enhanced'] - values['baseline']:+.3f} [{low:+.3f}, {high:+.3f}]"
    return f"{_number(values['enhanced'])} ({f'**{difference}**' if low > 0 or high < 0 else difference})"
