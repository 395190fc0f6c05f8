"""Captions for pretraining: varied templates, loosely correct quality words, and neutral prefixes.

A third of the captions start with a random `[A]. ` ... `[Z]. ` that says nothing about quality. So a text like a
restoration identifier is ordinary to the prior, and gets its meaning only from RPR + ROPO.
"""

from __future__ import annotations

import string

import numpy as np
from torch import Tensor

from rapsr_core.pretraining.targets import WORDS
from rapsr_core.training.cache import ITEM_PX, Item, as_tensor, resized_back

TEMPLATES = ("{}", "{}", "{}, photograph", "photo: {}", "{} , photography", "an image: {}")
DROP_TEXT_SHARE = 0.10
QUALITY_WORDS_SHARE = 0.60
TRUE_WORDS_SHARE = 0.90
NEUTRAL_PREFIX_SHARE = 1 / 3
LQ_TARGET_SHARE = 0.10
"""Share of samples whose target is the very LQ, resized back: as a pool of small pictures blown up would have it. Words then
change the target a lot, and the network learns to read them."""


def training_text(caption: str, quality: str, rng: np.random.Generator) -> str:
    """Text of one sample. `quality` is a key of WORDS; "" in a tenth of the cases (classifier-free guidance)."""
    if rng.random() < DROP_TEXT_SHARE:
        return ""
    text = str(rng.choice(TEMPLATES)).format(caption)
    if rng.random() < QUALITY_WORDS_SHARE:
        words = _words(quality, rng)
        text = f"{words}, {text}" if rng.random() < 0.3 else f"{text}, {words}"
    if rng.random() < NEUTRAL_PREFIX_SHARE:
        text = f"[{rng.choice(list(string.ascii_uppercase))}]. {text}"
    return text


def _words(quality: str, rng: np.random.Generator) -> str:
    if rng.random() >= TRUE_WORDS_SHARE:
        others = [k for k in WORDS if k != quality]
        quality = "good" if quality != "good" else str(rng.choice(others))
    return str(rng.choice(WORDS[quality]))


def choose_target_and_text(captions: dict[str, str], item: Item, rng: np.random.Generator) -> tuple[Tensor, str]:
    """Target and text of one sample; bind `captions` (photo name -> caption) to get a `training.patches.Choose`."""
    if rng.random() < LQ_TARGET_SHARE:
        return resized_back(as_tensor(item.lq), ITEM_PX, rng), training_text(captions[item.photo], "mixed", rng)
    return as_tensor(item.target), training_text(captions[item.photo], item.quality, rng)
