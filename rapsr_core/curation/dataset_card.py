"""The dataset card (README.md with a YAML header) of an exported selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from rapsr_core.captions import Captioner
from rapsr_core.curation.columns import Rule
from rapsr_core.curation.selecting import Step

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Size categories of the Hugging Face hub."""


@dataclass(frozen=True)
class Facts:
    """What the card tells of how the images were chosen. `thresholds`: the rules as applied (`Selection.thresholds`)."""

    title: str
    pool: str
    judge: str
    funnel: tuple[Step, ...]
    thresholds: tuple[Rule, ...]


def card(facts: Facts, captioner: Captioner, licences: Sequence[str]) -> str:
    """The whole README.md; `licences`: one for each image, empty where it is not known."""
    return "\n".join(
        [_header(facts, len(licences)), f"# {facts.title}", "", *_how(facts, captioner, len(licences)), *_licences(licences)]
    )


def _header(facts: Facts, images: int) -> str:
    fields = {
        "pretty_name": facts.title,
        "license": "other",
        "license_name": "several",
        "task_categories": ["text-to-image", "image-to-image"],
        "language": ["en"],
        "size_categories": [next((name for limit, name in SIZES if images < limit), "1M<n<10M")],
        "tags": ["super-resolution", "image-restoration", "aesthetics", "rap-sr"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": ["metadata.jsonl", "image/*"]}]}],
    }
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---\n"


def _how(facts: Facts, captioner: Captioner, images: int) -> list[str]:
    return [
        f"{images} images chosen from {facts.pool} in the manner of QDAISP (RAP-SR, arXiv 2412.07149), whose own thresholds are not public.",
        "",
        f"- Judge of stage 3: `{facts.judge}`",
        f"- Captions: {captioner.label} ({captioner.source}), task `{captioner.task}`",
        "- Images are the original files, byte for byte; every score is in `metadata.jsonl`.",
        "",
        "## Funnel",
        "",
        *_table(("stage", "entered", "kept", "left out by"), [_step(step) for step in facts.funnel]),
        "",
        "## Thresholds",
        "",
        *_table(("column", "at least", "at most", "share of the best"), [_rule(rule) for rule in facts.thresholds]),
        "",
    ]


def _step(step: Step) -> tuple[str, ...]:
    reasons = ", ".join(f"{column} {count}" for column, count in step.reasons.items())
    return (step.stage, str(step.entered), str(step.left), reasons)


def _rule(rule: Rule) -> tuple[str, ...]:
    low, high = (f"{bound:.4g}" if bound is not None else "" for bound in (rule.low, rule.high))
    return (f"`{rule.column}`", low, high, f"{rule.best:.0%}" if rule.best is not None else "")


def _licences(licences: Sequence[str]) -> list[str]:
    counts = sorted(Counter(licence or "not stated" for licence in licences).items(), key=lambda item: (-item[1], item[0]))
    return [
        "## Licences",
        "",
        "Of each image: `metadata.jsonl`.",
        "",
        *_table(("licence", "images"), [(n, str(c)) for n, c in counts]),
        "",
    ]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
