"""Schedulers of the official implementations in diffusers' terms."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

SPACED_DDPM: Mapping[str, Any] = MappingProxyType(
    {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",  # what LDM calls "linear": linear in the square root
        "timestep_spacing": "linspace",
        "clip_sample": False,
    }
)
"""Of `DDPMScheduler`, for DiffBIR's spaced sampler and StableSR's respaced one.

Both take n of the 1000 timesteps, the first and the last among them, and make the betas anew for these; the network is told the
original timestep, and the last step adds no noise. `DDPMScheduler` does that from the cumulative products of the visited steps.
"""

STABLE_DIFFUSION: Mapping[str, Any] = MappingProxyType(
    {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "steps_offset": 1,
    }
)
"""What diffusers' schedulers read in the scheduler_config.json of SD 1.5 and SD 2.x-base."""

SEESR_DDPM: Mapping[str, Any] = MappingProxyType({**STABLE_DIFFUSION, "clip_sample": False, "timestep_spacing": "leading"})
"""Of `DDPMScheduler`: its defaults with that file (test_seesr.py). The last timestep is 1, and its step adds next to no noise."""

PASD_UNIPC: Mapping[str, Any] = MappingProxyType({**STABLE_DIFFUSION, "timestep_spacing": "linspace"})
"""Of `UniPCMultistepScheduler`: its defaults with that file (test_pasd.py)."""

ONE_STEP_DDPM: Mapping[str, Any] = MappingProxyType({**SPACED_DDPM, "timestep_spacing": "trailing"})
"""Of `DDPMScheduler` too, for OSEDiff: its one step is at t = 999 and ends in the clean latent, but for noise of 1e-10."""
