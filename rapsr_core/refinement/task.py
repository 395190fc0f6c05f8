"""RPR + ROPO as one training run: only the prior's UNet learns; text encoder and codec stay frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig
from torch import Tensor, nn

from rapsr_core.priors import Prior
from rapsr_core.refinement.samples import Ropo
from rapsr_core.training.objective import draw, save_sheet, x0_loss
from rapsr_core.training.patches import PatchSampler

TARGETS = {
    "attention": ("to_q", "to_k", "to_v", "to_out.0"),
    "feed-forward": ("ff.net.0.proj", "ff.net.2"),
    "projections": ("proj_in", "proj_out", "time_emb_proj"),
    "pooled text": ("add_embedding.pool.q_proj", "add_embedding.pool.k_proj", "add_embedding.pool.v_proj", "add_embedding.proj"),
    "convolutions": ("conv1", "conv2", "conv_shortcut", "conv", "conv_in", "conv_out"),
}
"""Groups of UNet modules a LoRA may train, by the ends of their names."""


def lora_config(rank: int, groups: Sequence[str] = tuple(TARGETS)) -> LoraConfig:
    """LoRA (Hu et al. 2022) with alpha = rank, so that readers which ignore alpha see the same strength."""
    ends = [end for group in groups for end in TARGETS[group]]
    return LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=ends)


@dataclass
class RefinementTask:
    """What `training.loop.Trainer` runs. The prior's UNet must carry its adapter already (`unet.add_adapter`)."""

    prior: Prior
    samples: PatchSampler
    sheet_samples: PatchSampler
    ropo: Ropo
    lpips_weight: float = 0.0

    @property
    def modules(self) -> Sequence[nn.Module]:
        return (self.prior.unet,)

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        batch = self.samples.batch(first, count)
        prior = self.prior
        return x0_loss(prior.unet, prior.codec, prior.scheduler, batch, self._encode(batch.texts), self.lpips_weight)

    def sheet(self, path: Path) -> dict[str, float]:
        """Rows: guide, output without prefix, with the negative identifier, with the positive one, target.

        `identifier_contrast`: rms(positive - negative) / rms(positive - guide).
        """
        batch = self.sheet_samples.batch(0, 8)
        captions = [text.split("]. ", 1)[-1] for text in batch.texts]
        prefixes = ("", self.ropo.negative_identifier, self.ropo.positive_identifier)
        outputs = [
            draw(self.prior.unet, self.prior.codec, self.prior.scheduler, batch, self._encode([p + c for c in captions]))
            for p in prefixes
        ]
        save_sheet([batch.guide, *outputs, batch.target], path)
        contrast = (outputs[2] - outputs[1]).square().mean() / (outputs[2] - batch.guide).square().mean()
        return {"identifier_contrast": contrast.sqrt().item()}

    @torch.no_grad()
    def _encode(self, texts: list[str]) -> Tensor:
        ids = self.prior.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return self.prior.text_encoder(ids).last_hidden_state
