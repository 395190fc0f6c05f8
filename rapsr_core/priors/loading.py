"""Load a prior: UNet, text encoder, tokenizer, codec and scheduler, with a fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler, SchedulerMixin, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from rapsr_core.priors.catalog import prior_folder
from rapsr_core.priors.codec import SpaceToDepthCodec


@dataclass(frozen=True)
class Prior:
    """A loaded prior, in evaluation mode and frozen. `fingerprint` names its exact UNet and text-encoder weights."""

    name: str
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    codec: SpaceToDepthCodec
    scheduler: SchedulerMixin
    fingerprint: str


def load_prior(
    name_or_folder: str | Path = "embedded",
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Prior:
    """Prior by catalogue name or folder. No network access. Raises FileNotFoundError when it is not there."""
    folder = prior_folder(name_or_folder)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=dtype, local_files_only=True)
    text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=dtype, local_files_only=True)
    for module in (unet, text_encoder):
        module.to(device).eval().requires_grad_(False)
    unet.to(memory_format=torch.channels_last)
    codec = json.loads((folder / "codec.json").read_text())
    return Prior(
        name=str(name_or_folder),
        unet=unet,
        text_encoder=text_encoder,
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        codec=SpaceToDepthCodec(codec["block_px"], codec["luma_gain"], codec["chroma_gain"]),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
        fingerprint=fingerprint(unet, text_encoder),
    )


def fingerprint(*modules: nn.Module) -> str:
    """First 16 hex digits of the SHA-256 over names, shapes and fp16 values of all parameters, in name order.

    fp16 because that is how weights are stored: loading in fp32 or bf16 on another machine gives the same fingerprint
    for fp16 and fp32; a prior is fingerprinted as loaded from its folder, never after a refinement is plugged in.
    """
    digest = hashlib.sha256()
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().to("cpu", torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
