"""Priors: the pretrained diffusion models whose knowledge a host borrows."""

from rapsr_core.priors.catalog import PRIORS
from rapsr_core.priors.codec import SpaceToDepthCodec
from rapsr_core.priors.loading import Prior, fingerprint, load_prior
from rapsr_core.priors.text import Text, TextStack

__all__ = ["PRIORS", "Prior", "SpaceToDepthCodec", "Text", "TextStack", "fingerprint", "load_prior"]
