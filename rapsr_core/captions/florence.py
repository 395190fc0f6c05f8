"""Florence-2 (Xiao et al., CVPR 2024) in transformers' own implementation, task `<MORE_DETAILED_CAPTION>`, as HFAID's captions were made.

Microsoft's repositories hold code of their own that transformers 5 does not run; `florence-community` holds the same weights converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rapsr_core.captions.contract import CaptionError, Write
from rapsr_core.device import Device, choose_device
from rapsr_core.images import to_uint8

TASK = "<MORE_DETAILED_CAPTION>"
BEAMS = 3
"""As on Microsoft's model card."""
MAX_TOKENS = 256
"""A paragraph has about 100; Stable Diffusion reads the first 75."""
BATCH = 8
"""Images in one `generate`."""


def load(model_id: str, device: Device | None = None) -> Write:
    """The captioner of a hub id or folder. Raises CaptionError when there is none there."""
    device = device or choose_device()
    model, processor = _model(model_id, device)

    def write(images: Sequence[Tensor]) -> list[str]:
        batches = [images[at : at + BATCH] for at in range(0, len(images), BATCH)]
        return [text for batch in batches for text in _captions(model, processor, batch, device)]

    return write


def _captions(model: Any, processor: Any, images: Sequence[Tensor], device: Device) -> list[str]:
    pictures = [Image.fromarray(to_uint8(image)) for image in images]
    inputs = processor(images=pictures, text=[TASK] * len(pictures), return_tensors="pt").to(device.device, dtype=device.dtype)
    with torch.inference_mode():
        tokens = model.generate(**inputs, max_new_tokens=MAX_TOKENS, num_beams=BEAMS, do_sample=False)
    return [" ".join(text.split()) for text in processor.batch_decode(tokens, skip_special_tokens=True)]


def _model(model_id: str, device: Device) -> tuple[Any, Any]:
    from transformers import Florence2ForConditionalGeneration, Florence2Processor

    try:
        processor = Florence2Processor.from_pretrained(model_id)
        model = Florence2ForConditionalGeneration.from_pretrained(model_id, dtype=device.dtype)
    except (OSError, ValueError, AttributeError) as error:  # not there; not converted to transformers' format
        raise CaptionError(
            f"Florence-2 cannot be loaded from {model_id!r} ({str(error).splitlines()[0]}): hf download florence-community/"
            "Florence-2-large-ft; or give a folder in that format as florence-2:FOLDER"
        ) from error
    return model.eval().requires_grad_(False).to(device.device), processor
