"""A CLIP image tower with an aesthetic head: LAION's improved-aesthetic-predictor (an MLP) and aesthetic-predictor (one layer).

The head sees the L2-normalised image embedding (Schuhmann et al., LAION-5B, NeurIPS 2022, appendix; the repositories of the same names).
Both are linear: the MLP has no activation, only dropout between its layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from rapsr_core.curation.columns import Row
from rapsr_core.curation.judges.contract import Judge, JudgeError
from rapsr_core.curation.picture import Picture
from rapsr_core.device import Device, choose_device
from rapsr_core.images import to_uint8

CLIP = "openai/clip-vit-large-patch14"
"""The tower of LAION's published heads."""
HEAD_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
BATCH = 16


class ClipAesthetic(Judge):
    """Column aesthetics, on the scale of the head (LAION's: about 1 to 10). `head`: a file, or a folder with one such file."""

    batch_size = BATCH

    def __init__(self, judge_id: str, clip_id: str, head: Path, device: Device | None = None) -> None:
        self.judge_id = judge_id
        self.device = device or choose_device()
        self.tower, self.processor = _load_tower(clip_id, self.device)
        self.head = load_head(head).to(self.device.device)
        width, expected = self.tower.config.projection_dim, self.head[0].in_features
        if width != expected:
            raise JudgeError(
                f"judge clip-aesthetic: {clip_id!r} gives {width} numbers, {head} takes {expected}; they do not belong together"
            )

    def many(self, pictures: Sequence[Picture]) -> list[Row]:
        images = [Image.fromarray(to_uint8(picture.image)) for picture in pictures]
        pixels = self.processor(images=images, return_tensors="pt")["pixel_values"].to(self.device.device, self.device.dtype)
        with torch.inference_mode():
            embedding = F.normalize(self.tower(pixel_values=pixels).image_embeds.float(), dim=-1)
            scores = self.head(embedding)[:, 0].tolist()
        return [{"aesthetics": score, "judge": self.judge_id} for score in scores]


def load_head(path: Path) -> nn.Sequential:
    """Linear layers in float32 from a state dict: `layers.N.weight`, `layers.N.bias` (the MLP), or `weight`, `bias` (one layer).

    Raises JudgeError for no file, other names, or layers that do not follow one another to one output.
    """
    state = _state(_head_file(path))
    names = {"weight", "bias"} if "weight" in state else {f"layers.{n}.{k}" for n in _numbers(state) for k in ("weight", "bias")}
    if not state or names != set(state):
        raise JudgeError(
            f"aesthetic head {path} holds {sorted(state)[:4]}; expected layers.N.weight and .bias, or weight and bias"
        )
    prefixes = [""] if "weight" in state else [f"layers.{n}." for n in sorted(_numbers(state))]
    layers = [_linear(state[f"{p}weight"], state[f"{p}bias"]) for p in prefixes]
    widths = [layer.out_features for layer in layers]
    if [layer.in_features for layer in layers[1:]] != widths[:-1] or widths[-1] != 1:
        raise JudgeError(
            f"aesthetic head {path} has layers {[tuple(x.weight.shape) for x in layers]}; they do not lead to one score"
        )
    return nn.Sequential(*layers).eval().requires_grad_(False)


def _numbers(state: dict[str, Tensor]) -> set[int]:
    parts = [name.split(".") for name in state]
    return {int(p[1]) for p in parts if len(p) == 3 and p[0] == "layers" and p[1].isdecimal()}


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight.float(), bias.float()
    return layer


def _head_file(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(p for p in path.glob("*") if p.suffix in HEAD_SUFFIXES)
    if len(found) != 1:
        raise JudgeError(
            f"{len(found)} files of {', '.join(HEAD_SUFFIXES)} at {str(path)!r} in place of one aesthetic head; LAION's: "
            "sac+logos+ava1-l14-linearMSE.pth of github.com/christophschuhmann/improved-aesthetic-predictor"
        )
    return found[0]


def _state(path: Path) -> dict[str, Tensor]:
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)


def _load_tower(clip_id: str, device: Device) -> tuple[Any, Any]:
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    try:
        processor = CLIPImageProcessor.from_pretrained(clip_id)
        tower = CLIPVisionModelWithProjection.from_pretrained(clip_id, dtype=device.dtype)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise JudgeError(
            f"judge clip-aesthetic: no CLIP at {clip_id!r} ({reason}): hf download {clip_id}; or give a folder"
        ) from error
    return tower.eval().requires_grad_(False).to(device.device), processor
