"""The embedded judge: `appeal`, a weighted mean of hand-crafted features. It is no learned model and has seen no opinion of a person.

What it can see: exposure, contrast, colour, where the mass of the picture lies, how sharp it is. What it cannot see: what the picture is
of, expression, moment, style, or whether a person would like it. Use a learned judge of the table where one can be had.

Looked at on 952 photographs of mixed quality: the best 24 are sharp, colourful daylight pictures of one subject; the worst 24 are plain
textures, grey skies and dark pictures, among them good low-key ones. On 96 of them it falls with a gamma of 2.5 (89 % of the pictures) or 0.4
(90 %), less contrast (98 %), less saturation (98 %) and blur (98 %), but not with noise (49 %, a coin's toss), which reads as sharpness:
noise is stage 2's to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F

from rapsr_core.curation.columns import Column, Row
from rapsr_core.curation.judges import features
from rapsr_core.curation.judges.contract import Judge
from rapsr_core.curation.judges.features import SMALL_PX, Array
from rapsr_core.curation.picture import LUMA, Picture


@dataclass(frozen=True)
class Component:
    """One term of the mean. `weight`: our choice, a round number, fitted to nothing."""

    name: str
    label: str
    weight: float
    measure: Callable[[Array], float]
    of: str  # "luma" or "rgb": what `measure` takes
    help: str
    source: str


COMPONENTS = (
    Component("appeal_exposure", "Exposure", 2, features.exposure, "luma", "Mean brightness near the middle, little of it clipped.",
              "Mertens et al., Pacific Graphics 2007; Datta et al., ECCV 2006, f1"),
    Component("appeal_contrast", "Contrast", 2, features.contrast, "luma", "Range between the darkest and the brightest hundredth.",
              "Ke et al., CVPR 2006, 3.4"),
    Component("appeal_colour", "Colour", 2, features.colour, "rgb", "Colourfulness, counted up to \"quite colourful\".",
              "Hasler and Suesstrunk, SPIE 5007, 2003"),
    Component("appeal_harmony", "Harmony", 1, features.harmony, "rgb", "Few hues.",
              "Ke et al., CVPR 2006, 3.3"),
    Component("appeal_thirds", "Thirds", 1, features.thirds, "luma", "Salient mass near the points that divide the sides in three.",
              "Liu et al., Eurographics 2010; saliency: Hou and Zhang, CVPR 2007"),
    Component("appeal_simplicity", "Simplicity", 1, features.simplicity, "luma", "Edges in a small part of the picture.",
              "Ke et al., CVPR 2006, 3.1"),
    Component("appeal_focus", "Focus", 1, features.focus, "luma", "Fine detail in the middle, not in the surroundings.",
              "Datta et al., ECCV 2006, f53 to f55"),
    Component("appeal_sharpness", "Sharpness", 2, features.sharpness, "luma", "Share of strong frequencies.",
              "Ke et al., CVPR 2006, 3.2"),
)  # fmt: skip

FORMULA = (
    "("
    + " + ".join(f"{c.weight:g} {c.name.removeprefix('appeal_')}" for c in COMPONENTS)
    + f") / {sum(c.weight for c in COMPONENTS):g}"
)

COLUMNS = (
    Column("appeal", "Appeal", "number", "high", "", f"{FORMULA}, each in [0, 1]; hand-crafted, not a learned aesthetic model.",
           "rapsr_core/curation/judges/appeal.py"),
    *(Column(c.name, c.label, "number", "high", "", c.help, c.source) for c in COMPONENTS),
)  # fmt: skip


class Appeal(Judge):
    """Needs no weights; a row of `appeal`, its components and the judge's id."""

    def __init__(self, judge_id: str) -> None:
        self.judge_id = judge_id

    def many(self, pictures: Sequence[Picture]) -> list[Row]:
        return [{**appeal(picture), "judge": self.judge_id} for picture in pictures]


def appeal(picture: Picture) -> dict[str, float]:
    """`appeal` in [0, 1] and its components in [0, 1] by column name, as COLUMNS says. Raises ImageError."""
    rgb = _small(picture)
    views = {"rgb": rgb, "luma": LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2]}
    parts = {c.name: c.measure(views[c.of]) for c in COMPONENTS}
    total = sum(c.weight * parts[c.name] for c in COMPONENTS) / sum(c.weight for c in COMPONENTS)
    return {"appeal": total, **parts}


def _small(picture: Picture) -> Array:
    """(3, h, w) float64 in [0, 1], long side SMALL_PX; at least 16 px a side."""
    image = picture.image
    factor = SMALL_PX / max(image.shape[-2:])
    size = [max(16, round(n * factor)) for n in image.shape[-2:]]
    return F.interpolate(image, size=size, mode="bilinear", antialias=True)[0].double().numpy()
