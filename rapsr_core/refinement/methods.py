"""What of a prior's UNet learns: a LoRA, all of it, or its attention alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from diffusers import UNet2DConditionModel
from peft import LoraConfig

Method = Literal["lora", "full", "attention-only"]

TARGETS = {
    "attention": ("to_q", "to_k", "to_v", "to_out.0"),
    "feed-forward": ("ff.net.0.proj", "ff.net.2"),
    "projections": ("proj_in", "proj_out", "time_emb_proj", "add_embedding.linear_1", "add_embedding.linear_2"),
    "pooled text": ("add_embedding.pool.q_proj", "add_embedding.pool.k_proj", "add_embedding.pool.v_proj", "add_embedding.proj"),
    "convolutions": ("conv1", "conv2", "conv_shortcut", "conv", "conv_in", "conv_out"),
}
"""Groups of UNet modules a LoRA may train, by the ends of their names."""


def lora_config(rank: int, groups: Sequence[str] = tuple(TARGETS)) -> LoraConfig:
    """LoRA (Hu et al. 2022) with alpha = rank, so that readers which ignore alpha see the same strength."""
    ends = [end for group in groups for end in TARGETS[group]]
    return LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=ends)


def let_learn(unet: UNet2DConditionModel, method: Method, rank: int, groups: Sequence[str]) -> int:
    """Add an adapter, or thaw; returns the number of parameters that learn.

    "full" is the published method; "attention-only" thaws the attention layers (the official code's `optim_params`).
    """
    if method == "lora":
        unet.add_adapter(lora_config(rank, groups))
    for name, parameter in unet.named_parameters():
        parameter.requires_grad_(
            "lora_" in name if method == "lora" else method == "full" or ".attn1." in name or ".attn2." in name
        )
    return sum(p.numel() for p in unet.parameters() if p.requires_grad)
