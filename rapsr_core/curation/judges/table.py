"""The judges as a table, and how an id names one: `embedded`, `q-align`, `vlm:MODEL`, `clip-aesthetic:[CLIP@]HEAD`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rapsr_core.curation.columns import Column, Rule
from rapsr_core.curation.judges import appeal
from rapsr_core.curation.judges.contract import JUDGE, REFUSAL, Judge, JudgeError

QUALITY = Column("quality", "Quality", "number", "high", "", "How good the picture is technically, as the model puts it.",
                 "Wu et al., ICML 2024 (Q-Align), equation 3: 1 (bad) to 5 (excellent)")  # fmt: skip
AESTHETICS = Column("aesthetics", "Aesthetics", "number", "high", "", "How pleasing the picture is, as the model puts it.",
                    "Wu et al., ICML 2024 (Q-Align), equation 3: 1 (bad) to 5 (excellent)")  # fmt: skip
CLIP_AESTHETICS = Column("aesthetics", "Aesthetics", "number", "high", "", "How pleasing the picture is, on the scale of the head.",
                         "improved-aesthetic-predictor (LAION): about 1 to 10")  # fmt: skip

LEARNED_SHARE = 0.6
"""Of the best, by rank: the scales of two models agree no better than their ranks. RAP-SR's share at this stage is not public; with 0.6 for
quality and then aesthetics 36 % come through."""
EMBEDDED_SHARE = 0.7
"""More lenient, since `appeal` puts low-key photographs (night, dark studio) and skies at the bottom whatever their merit."""


@dataclass(frozen=True)
class JudgeRow:
    """One judge. `argument`: what follows the colon of its id, empty when nothing does; `build(id, argument)` loads it."""

    name: str
    label: str
    help: str
    argument: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    cost_s: float  # one 2-megapixel photograph: on one core for `embedded`, on a GPU for the others; order of magnitude, not measured there
    licence: str
    needs: str
    build: Callable[[str, str], Judge]


def _embedded(judge_id: str, _: str) -> Judge:
    return appeal.Appeal(judge_id)


def _q_align(judge_id: str, _: str) -> Judge:
    from rapsr_core.curation.judges.qalign import QAlign

    return QAlign(judge_id)


def _vlm(judge_id: str, argument: str) -> Judge:
    from rapsr_core.curation.judges.vlm import Vlm

    return Vlm(judge_id, argument)


def _clip_aesthetic(judge_id: str, argument: str) -> Judge:
    from rapsr_core.curation.judges.clip_aesthetic import CLIP, ClipAesthetic

    clip, _, head = argument.rpartition("@")
    return ClipAesthetic(judge_id, clip or CLIP, Path(head))


_RANKS = (Rule("quality", best=LEARNED_SHARE), Rule("aesthetics", best=LEARNED_SHARE))

JUDGES = {
    row.name: row
    for row in (
        JudgeRow("embedded", "Appeal (hand-crafted)", "Exposure, contrast, colour, composition and sharpness by published formulas; "
                 "no learned model.", "", (*appeal.COLUMNS, JUDGE), (Rule("appeal", best=EMBEDDED_SHARE),),
                 0.05, "Apache-2.0", "nothing", _embedded),
        JudgeRow("q-align", "Q-Align", "A multi-modality model tuned on the opinions of people.", "",
                 (QUALITY, AESTHETICS, JUDGE, REFUSAL), _RANKS, 0.5, "code PolyForm Noncommercial (pyiqa); weights: see their page",
                 "pip install pyiqa icecream; hf download q-future/one-align (15 GB)", _q_align),
        JudgeRow("vlm", "Vision-language model", "Any image-text-to-text model of transformers, asked for one of five levels.",
                 "MODEL (hub id or folder)", (QUALITY, AESTHETICS, JUDGE, REFUSAL), _RANKS, 0.5, "the model's", "the model's weights", _vlm),
        JudgeRow("clip-aesthetic", "CLIP aesthetic head", "CLIP's image embedding and a linear head or MLP trained on ratings.",
                 "[CLIP@]HEAD (hub id or folder, file)", (CLIP_AESTHETICS, JUDGE), (Rule("aesthetics", best=LEARNED_SHARE),), 0.02,
                 "the tower's and the head's", "the weights of both", _clip_aesthetic),
    )
}  # fmt: skip


def find(judge_id: str) -> tuple[JudgeRow, str]:
    """The row of an id and its argument. Raises JudgeError for an unknown name, or an argument too many or missing."""
    name, _, argument = judge_id.partition(":")
    if name not in JUDGES:
        raise JudgeError(f"unknown judge {judge_id!r}; known: {', '.join(JUDGES)}")
    row = JUDGES[name]
    if bool(row.argument) != bool(argument):
        wanted = f"{name}:{row.argument}" if row.argument else name
        raise JudgeError(f"judge {judge_id!r} should read {wanted}")
    return row, argument
