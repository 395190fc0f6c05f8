"""Published and shipped settings of a refinement run, by the names of train.refine's arguments. Imports no torch."""

from __future__ import annotations

from typing import Any

PAPER: dict[str, Any] = {
    "method": "full",
    "objective": "plain",
    "steps": 4000,
    "batch_size": 40,
    "learning_rate": 5e-5,
    "lr_schedule": "constant",
    "warmup_steps": 0,
    "weight_decay": 0.01,
    "ema_decay": 0.9999,
    "ema_warmup": "diffusers",
    "mixed_precision": "fp16",
    "gradient_checkpointing": True,
    "negative_share": 0.2,
    "drop_text_share": 0.05,
    "seed": 1024,
}
"""RAP-SR's `params_train_set.yaml` and `train_unet_fine_tune.py`; batch 20 on each of 2 GPUs."""

EMBEDDED: dict[str, Any] = {
    "method": "lora",
    "objective": "ours",
    "rank": 16,
    "steps": 1200,
    "batch_size": 16,
    "learning_rate": 1e-3,
    "lr_schedule": "cosine",
    "warmup_steps": 100,
    "weight_decay": 0.0,
    "ema_decay": 0.998,
    "ema_warmup": "power",
    "mixed_precision": "bf16",
    "gradient_checkpointing": False,
    "negative_share": 0.25,
    "drop_text_share": 0.05,
    "pure_noise_share": 0.3,
    "lpips_weight": 2.0,
    "cache_items": 800,
    "seed": 1024,
}
"""How assets/refinement was made, in half an hour of two CPU cores. With 360 steps, in eight minutes, it changes less (assets/prior/trials.md)."""

PRESETS = {"paper": PAPER, "embedded": EMBEDDED}
"""Defaults by name; an argument that is given wins."""

MESSAGES = {"paper": "the published settings", "embedded": "those of the shipped refinement"}
