"""Pretraining of the embedded prior: UNet and text encoder learn jointly from photographs of mixed quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from rapsr_core.priors import SpaceToDepthCodec
from rapsr_core.training.objective import draw, save_sheet, x0_loss
from rapsr_core.training.patches import PatchSampler


@dataclass
class PretrainingTask:
    """What `training.loop.Trainer` runs. `sheet_samples` are other samples of the same kind, for the validation sheet."""

    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    codec: SpaceToDepthCodec
    scheduler: DDIMScheduler
    samples: PatchSampler
    sheet_samples: PatchSampler

    @property
    def modules(self) -> Sequence[nn.Module]:
        return (self.unet, self.text_encoder)

    def loss(self, step: int, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        batch = self.samples.batch(step * batch_size, batch_size)
        return x0_loss(self.unet, self.codec, self.scheduler, batch, self._encode(batch.texts))

    def sheet(self, path: Path) -> None:
        """Rows: guide, output, target."""
        batch = self.sheet_samples.batch(0, 8)
        image = draw(self.unet, self.codec, self.scheduler, batch, self._encode(batch.texts))
        save_sheet([batch.guide, image, batch.target], path)

    def _encode(self, texts: list[str]) -> Tensor:
        ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return self.text_encoder(ids).last_hidden_state
