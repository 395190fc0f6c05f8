"""RPR + ROPO as published, on a prior of the Stable Diffusion family: whole photographs, uniform timesteps, plain squared error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from rapsr_core.priors import Prior, Text
from rapsr_core.refinement.inputs import INPUTS
from rapsr_core.refinement.latents import LatentCache
from rapsr_core.refinement.photo_samples import PhotoBatch, PhotoSampler
from rapsr_core.refinement.texts import SampleTexts
from rapsr_core.training.diffusion import Inputs, denoising_loss, walk
from rapsr_core.training.objective import save_sheet

SHEET_IMAGES = 4


@dataclass
class PhotoTask:
    """What `training.loop.Trainer` runs; only what of the prior's UNet requires a gradient learns.

    `texts_kept`: encoded texts held in memory, 0 = none, and none while identifiers are learned. `sheet_steps`: steps a validation image is drawn in.
    """

    prior: Prior
    samples: PhotoSampler
    latents: LatentCache
    texts: SampleTexts
    snr_gamma: float | None = None
    texts_kept: int = 0
    sheet_steps: int = 50
    _known: dict[str, Text] = field(default_factory=dict)

    @property
    def modules(self) -> Sequence[nn.Module]:
        return (self.prior.unet, *([self.texts.learned] if self.texts.learned else []))

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        loss = denoising_loss(self.prior.scheduler, self._inputs(self.samples.batch(first, count)), self.snr_gamma)
        return loss, {}

    def sheet(self, path: Path) -> dict[str, float]:
        """Rows: target, then images drawn from the same noise without a prefix and with each identifier.

        `identifier_contrast`: rms(first - second identifier) / rms(first identifier - no prefix).
        """
        batch = self.samples.batch(0, SHEET_IMAGES)
        captions = [self.samples.captions[self.samples.photo(k).name] for k in range(SHEET_IMAGES)]
        prefixes = ["", *(row.text for row in self.samples.ropo.identifiers)]
        rows = [self._draw(batch, [prefix + caption for caption in captions]) for prefix in prefixes]
        save_sheet([batch.target, *rows], path)
        contrast = (rows[1] - rows[2]).square().mean() / (rows[1] - rows[0]).square().mean()
        return {"identifier_contrast": contrast.sqrt().item()}

    def _inputs(self, batch: PhotoBatch) -> Inputs:
        batch = batch.to(self.prior.unet.device)
        return INPUTS[self.prior.kind.name](self.prior, batch, self._encode(batch.texts), self.latents.moments(batch))

    def _draw(self, batch: PhotoBatch, texts: list[str]) -> Tensor:
        z = walk(self.prior.scheduler, self._inputs(batch.with_texts(texts)), self.sheet_steps)
        return self.prior.autoencoder.decode(z).clamp(0, 1).float().cpu()

    def _encode(self, texts: Sequence[str]) -> Text:
        if not self.texts_kept or self.texts.learned:
            return self.texts.encode(texts)
        rows = [self._known.get(text) or self._keep(text) for text in texts]
        pooled = [row.pooled for row in rows if row.pooled is not None]
        return Text(torch.cat([row.states for row in rows]), torch.cat(pooled) if pooled else None)

    def _keep(self, text: str) -> Text:
        encoded = self.texts.encode([text])
        if len(self._known) < self.texts_kept:
            self._known[text] = encoded
        return encoded
