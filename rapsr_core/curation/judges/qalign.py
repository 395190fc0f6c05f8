"""Q-Align (Wu et al., ICML 2024) by pyiqa: a 7-billion mPLUG-Owl2 tuned on the opinions of people, `q-future/one-align`.

Loading it replaces classes of transformers' Llama for the whole process (pyiqa's modeling_llama2.py): no other Llama works beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rapsr_core.curation.columns import Row
from rapsr_core.curation.judges.contract import Judge, JudgeError
from rapsr_core.curation.picture import Picture
from rapsr_core.device import choose_device

WEIGHTS = "q-future/one-align"


class QAlign(Judge):
    """Columns quality and aesthetics, each in [1, 5]. One picture at a time (pyiqa's own limit), in fp16, about 15 GB."""

    def __init__(self, judge_id: str) -> None:
        self.judge_id = judge_id
        self.device = choose_device().device
        self.metric = _load(self.device)

    def many(self, pictures: Sequence[Picture]) -> list[Row]:
        return [self._row(picture) for picture in pictures]

    def _row(self, picture: Picture) -> Row:
        image = picture.image.to(self.device)
        quality = float(self.metric(image, task_="quality"))
        aesthetics = float(self.metric(image, task_="aesthetic"))
        return {"quality": quality, "aesthetics": aesthetics, "judge": self.judge_id, "judge_refusal": None}


def _load(device: torch.device) -> torch.nn.Module:
    try:
        import pyiqa

        metric = pyiqa.create_metric("qalign", device=device)
    except ModuleNotFoundError as error:  # pyiqa, or what it imports and does not require (icecream)
        raise JudgeError(
            f"judge q-align needs {error.name}: pip install pyiqa icecream (PolyForm Noncommercial licence)"
        ) from error
    except Exception as error:  # pyiqa raises whatever its downloads and registries raise
        reason = str(error).splitlines()[0]
        raise JudgeError(
            f"judge q-align cannot load {WEIGHTS} ({type(error).__name__}: {reason}): hf download {WEIGHTS}"
        ) from error
    metric.net.model.get_model().get_visual_abstractor().invert_attention_mask = (
        inverted  # pyiqa 0.1.16 calls it; transformers 5.20 has it no more
    )
    return metric


def inverted(mask: Tensor) -> Tensor:
    """(B, L) of 1 (seen) and 0 -> (B, 1, 1, L) fp16, to be added to attention scores: 0 and the lowest number."""
    return (1 - mask[:, None, None, :].half()) * torch.finfo(torch.float16).min
