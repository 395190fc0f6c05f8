"""Degradation: HQ -> LQ by the second-order Real-ESRGAN process, as data and a seeded pipeline."""

from typing import TYPE_CHECKING

from rapsr_core.degradation.presets import PRESETS, Preset, preset
from rapsr_core.lazily import attributes

if TYPE_CHECKING:
    from rapsr_core.degradation.pipeline import Degraded, JpegName, apply, degrade, draw, replay

__all__ = ["PRESETS", "Degraded", "JpegName", "Preset", "apply", "degrade", "draw", "preset", "replay"]

__getattr__ = attributes(__name__, dict.fromkeys(("Degraded", "JpegName", "apply", "degrade", "draw", "replay"), "pipeline"))
