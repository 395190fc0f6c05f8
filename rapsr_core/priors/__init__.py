"""Priors: the pretrained diffusion models whose knowledge a host borrows. Only their table is read at import (`rapsr_core.lazily`)."""

from typing import TYPE_CHECKING

from rapsr_core.lazily import attributes
from rapsr_core.priors.catalog import PRIORS

if TYPE_CHECKING:
    from rapsr_core.priors.codec import SpaceToDepthCodec
    from rapsr_core.priors.loading import Prior, fingerprint, load_prior
    from rapsr_core.priors.text import Text, TextStack

__all__ = ["PRIORS", "Prior", "SpaceToDepthCodec", "Text", "TextStack", "fingerprint", "load_prior"]

__getattr__ = attributes(
    __name__,
    {
        "SpaceToDepthCodec": "codec",
        "Prior": "loading",
        "fingerprint": "loading",
        "load_prior": "loading",
        "Text": "text",
        "TextStack": "text",
    },
)
