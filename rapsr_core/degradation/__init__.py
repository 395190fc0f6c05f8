"""Degradation: HQ -> LQ by the second-order Real-ESRGAN process, as data and a seeded pipeline."""

from rapsr_core.degradation.pipeline import Degraded, JpegName, apply, degrade, draw, replay
from rapsr_core.degradation.presets import PRESETS, Preset, preset

__all__ = ["PRESETS", "Degraded", "JpegName", "Preset", "apply", "degrade", "draw", "preset", "replay"]
