"""Priors: the pretrained diffusion models whose knowledge a host borrows."""

from rapsr_core.priors.catalog import PRIORS
from rapsr_core.priors.codec import SpaceToDepthCodec
from rapsr_core.priors.loading import Prior, fingerprint, load_prior

__all__ = ["PRIORS", "Prior", "SpaceToDepthCodec", "fingerprint", "load_prior"]
