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
    lpips_weight: float = 0.0

    @property
    def modules(self) -> Sequence[nn.Module]:
        return (self.unet, self.text_encoder)

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        batch = self.samples.batch(first, count).to(self.unet.device)
        return x0_loss(self.unet, self.codec, self.scheduler, batch, self._encode(batch.texts), self.lpips_weight)

    def sheet(self, path: Path) -> dict[str, float]:
        """Rows: guide, output for good words, for bad words, target. `text_contrast` is what the words change of the
        residual: rms(good - bad) / rms(good - guide). A prior that ignores its text has 0, and no identifier can steer it."""
        batch = self.sheet_samples.batch(0, 8).to(self.unet.device)
        good, bad = (
            draw(self.unet, self.codec, self.scheduler, batch, self._encode([f"{words}, photograph"] * 8))
            for words in ("sharp, clean, high quality", "blurry, noisy, low quality")
        )
        save_sheet([batch.guide, good, bad, batch.target], path)
        contrast = (good - bad).square().mean() / (good - batch.guide).square().mean()
        return {"text_contrast": contrast.sqrt().item()}

    def _encode(self, texts: list[str]) -> Tensor:
        ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return self.text_encoder(ids.to(self.unet.device)).last_hidden_state
