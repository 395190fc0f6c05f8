"""Posterior moments of clean targets, kept on disk: the codec of a large prior costs more than a third of a training step."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from rapsr_core.priors.autoencoder import AutoencoderCodec
from rapsr_core.priors.loading import fingerprint
from rapsr_core.refinement.photo_samples import PhotoBatch


@dataclass(frozen=True)
class LatentCache:
    """`folder` None keeps nothing. Files are named by photograph, resolution and the codec's weights, so no run reads another's."""

    codec: AutoencoderCodec
    folder: Path | None = None

    @torch.no_grad()
    def moments(self, batch: PhotoBatch) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the batch's targets; degraded targets are encoded anew, clean ones once."""
        if self.folder is None:
            return self.codec.moments(batch.target)
        rows = [self._row(batch.target[k : k + 1], name) for k, name in enumerate(batch.photos)]
        return torch.cat([mean for mean, _ in rows]), torch.cat([std for _, std in rows])

    def _row(self, target: Tensor, photo: str | None) -> tuple[Tensor, Tensor]:
        if photo is None:
            return self.codec.moments(target)
        path = self._path(photo, target.shape[-1])
        if path.is_file():
            known = load_file(path)
            return known["mean"].to(target.device), known["std"].to(target.device)
        mean, std = self.codec.moments(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        save_file({"mean": mean.cpu().contiguous(), "std": std.cpu().contiguous()}, temporary)
        os.replace(temporary, path)
        return mean, std

    def _path(self, photo: str, side_px: int) -> Path:
        assert self.folder is not None
        folder = self.folder / f"{fingerprint(self.codec.vae)}-{side_px}"
        return folder / f"{hashlib.sha256(photo.encode()).hexdigest()[:24]}.safetensors"
