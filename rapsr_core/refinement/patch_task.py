"""RPR + ROPO on the embedded prior: patches cut from cached triples, and our objective, or the published one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rapsr_core.priors import Prior
from rapsr_core.priors.embedded import network_input
from rapsr_core.refinement.samples import Ropo
from rapsr_core.refinement.texts import SampleTexts
from rapsr_core.training.diffusion import Inputs, denoising_loss
from rapsr_core.training.objective import draw, save_sheet, x0_loss
from rapsr_core.training.patches import PatchSampler


@dataclass
class PatchTask:
    """What `training.loop.Trainer` runs; only what of the prior's UNet requires a gradient learns.

    `plain`: the squared error alone (`training/diffusion.py`), weighted by min-SNR where `snr_gamma` is given; otherwise x0_loss.
    """

    prior: Prior
    samples: PatchSampler
    sheet_samples: PatchSampler
    ropo: Ropo
    texts: SampleTexts
    lpips_weight: float = 0.0
    plain: bool = False
    snr_gamma: float | None = None

    @property
    def modules(self) -> Sequence[nn.Module]:
        return (self.prior.unet, *([self.texts.learned] if self.texts.learned else []))

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        prior, codec = self.prior, self.prior.space_to_depth
        batch = self.samples.batch(first, count).to(prior.unet.device)
        text = self.texts.encode(batch.texts).states
        if not self.plain:
            return x0_loss(prior.unet, codec, prior.scheduler, batch, text, self.lpips_weight)
        with torch.autocast(batch.target.device.type, enabled=False):
            z0 = codec.encode(batch.target, batch.guide)

        def predict(noisy: Tensor, timesteps: Tensor) -> Tensor:
            return prior.unet(network_input(prior.unet, codec, noisy, batch.guide, batch.lq), timesteps, text).sample

        return denoising_loss(prior.scheduler, Inputs(z0, batch.noise, batch.timesteps, predict), self.snr_gamma), {}

    def sheet(self, path: Path) -> dict[str, float]:
        """Rows: guide, output without prefix, with each identifier, target.

        `identifier_contrast`: rms(first - second identifier) / rms(first identifier - guide).
        """
        batch = self.sheet_samples.batch(0, 8).to(self.prior.unet.device)
        captions = [text.split("]. ", 1)[-1] for text in batch.texts]
        outputs = [
            draw(
                self.prior.unet,
                self.prior.space_to_depth,
                self.prior.scheduler,
                batch,
                self.texts.encode([p + c for c in captions]).states,
            )
            for p in ("", *(row.text for row in self.ropo.identifiers))
        ]
        save_sheet([batch.guide, *outputs, batch.target], path)
        contrast = (outputs[1] - outputs[2]).square().mean() / (outputs[1] - batch.guide).square().mean()
        return {"identifier_contrast": contrast.sqrt().item()}
