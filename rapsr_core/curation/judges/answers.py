"""What a vision-language model is asked, and what counts as an answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

LEVELS = ("excellent", "good", "fair", "poor", "bad")
"""ITU-R BT.500's five-grade scale in words, as Q-Align uses it (Wu et al., ICML 2024, arXiv 2312.17090)."""
WEIGHTS = (5.0, 4.0, 3.0, 2.0, 1.0)
"""Q-Align, equation 3: a level's score; the scale is [1, 5]."""
BEST, WORST = max(WEIGHTS), min(WEIGHTS)
ASPECTS = ("quality", "aesthetics")
"""The columns, and the nouns in the questions."""
JSON_QUESTION = (
    "Rate this photograph. Answer with JSON only, of the form {" + ", ".join(f'"{aspect}": n' for aspect in ASPECTS) + "}, "
    f"each n a number from {WORST:g} (bad) to {BEST:g} (excellent)."
)
SHOWN_CHARS = 80
"""How much of a wrong answer is quoted."""


@dataclass(frozen=True)
class Answer:
    """`scores`: aspect -> [1, 5]; None with the reason in `refusal`."""

    scores: dict[str, float] | None
    refusal: str | None = None


def question(aspect: str) -> str:
    """Q-Align's question, with the five words named for models that were not trained on it."""
    return f"How would you rate the {aspect} of this image? Answer with one of these words: {', '.join(LEVELS)}."


def beginning(aspect: str) -> str:
    """How the model's answer begins (Q-Align); the level word is what comes next."""
    return f"The {aspect} of the image is"


def parse(text: str) -> Answer:
    """The one JSON object in `text`, if it has exactly the keys ASPECTS with numbers in [1, 5]; anything else is no answer.

    Text around the object (a code fence, a sentence) is allowed; a second object is not.
    """
    found = re.findall(r"\{[^{}]*\}", text)
    if len(found) != 1:
        return _refused(f"{len(found)} JSON objects in place of one", text)
    try:
        answer = json.loads(found[0])
    except json.JSONDecodeError as error:
        return _refused(f"no valid JSON ({error.msg})", text)
    if set(answer) != set(ASPECTS):
        return _refused(f"keys {sorted(answer)} in place of {list(ASPECTS)}", text)
    for aspect, value in answer.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _refused(f"{aspect} is {value!r}, no number", text)
        if not WORST <= value <= BEST:
            return _refused(f"{aspect} is {value:g}, outside [{WORST:g}, {BEST:g}]", text)
    return Answer({aspect: float(answer[aspect]) for aspect in ASPECTS})


def _refused(reason: str, text: str) -> Answer:
    shown = text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 3] + "..."
    return Answer(None, f"{reason}: {shown!r}")
