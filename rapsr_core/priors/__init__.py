"""Priors: the pretrained diffusion models whose knowledge a host borrows.

Only their table is read at import; the rest comes with its first use, since torch, diffusers and transformers come with it, and
`rapsr_core.doctor` must answer without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rapsr_core.priors.catalog import PRIORS

if TYPE_CHECKING:
    from rapsr_core.priors.codec import SpaceToDepthCodec
    from rapsr_core.priors.loading import Prior, fingerprint, load_prior
    from rapsr_core.priors.text import Text, TextStack

__all__ = ["PRIORS", "Prior", "SpaceToDepthCodec", "Text", "TextStack", "fingerprint", "load_prior"]

_HOMES = {
    "SpaceToDepthCodec": "codec",
    "Prior": "loading",
    "fingerprint": "loading",
    "load_prior": "loading",
    "Text": "text",
    "TextStack": "text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
