"""Load a prior: UNet, text encoder, tokenizer, codec and scheduler, with a fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, SchedulerMixin, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from rapsr_core.priors.autoencoder import AutoencoderCodec
from rapsr_core.priors.catalog import prior_source
from rapsr_core.priors.codec import SpaceToDepthCodec
from rapsr_core.priors.kinds import KINDS, Kind, kind_of
from rapsr_core.priors.text import TextStack


@dataclass(frozen=True)
class Prior:
    """A loaded prior, in evaluation mode and frozen. `fingerprint` names its exact UNet and text-encoder weights."""

    name: str
    kind: Kind
    unet: UNet2DConditionModel
    text: TextStack
    codec: SpaceToDepthCodec | AutoencoderCodec
    scheduler: SchedulerMixin
    fingerprint: str
    lq_scheduler: DDPMScheduler | None = None  # noises the LQ of the x4 upscaler

    @property
    def tokenizer(self) -> CLIPTokenizer:
        """The (first) tokenizer: all of a prior share CLIP's vocabulary."""
        return self.text.tokenizers[0]

    @property
    def space_to_depth(self) -> SpaceToDepthCodec:
        """The codec of the embedded kind. Raises ValueError for another."""
        if not isinstance(self.codec, SpaceToDepthCodec):
            raise ValueError(f"prior {self.name} is of kind {self.kind.name}; the embedded one is needed here")
        return self.codec

    @property
    def autoencoder(self) -> AutoencoderCodec:
        """The codec of the Stable Diffusion family. Raises ValueError for the embedded kind."""
        if not isinstance(self.codec, AutoencoderCodec):
            raise ValueError(f"prior {self.name} is of kind {self.kind.name}; one of the Stable Diffusion family is needed here")
        return self.codec


def load_prior(
    name_or_source: str | Path = "embedded",
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Prior:
    """Prior by catalogue name, folder or hub id (the only one that uses the network).

    Raises FileNotFoundError when it is not there, ValueError when its UNet is of no known kind.
    """
    source = prior_source(name_or_source)
    if isinstance(source, Path) and (source / "codec.json").is_file():
        return _load_embedded(str(name_or_source), source, device, dtype)
    return _load_stable_diffusion(str(name_or_source), str(source), device, dtype)


def _load_embedded(name: str, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Prior:
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=dtype, local_files_only=True)
    encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=dtype, local_files_only=True)
    _freeze(device, unet, encoder)
    codec = json.loads((folder / "codec.json").read_text())
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    return Prior(
        name=name,
        kind=KINDS["embedded"],
        unet=unet,
        text=TextStack((tokenizer,), (encoder,)),
        codec=SpaceToDepthCodec(codec["block_px"], codec["luma_gain"], codec["chroma_gain"]),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
        fingerprint=fingerprint(unet, encoder),
    )


def _load_stable_diffusion(name: str, source: str, device: str | torch.device, dtype: torch.dtype) -> Prior:
    """A diffusers pipeline folder or hub id: SD 1.5, SD 2.1, SDXL or the x4 upscaler, told apart by the UNet's configuration."""
    unet = UNet2DConditionModel.from_pretrained(source, subfolder="unet", dtype=dtype)
    kind = kind_of(unet.config)
    vae = AutoencoderKL.from_pretrained(source, subfolder="vae", dtype=torch.float32)
    encoders = [CLIPTextModel.from_pretrained(source, subfolder="text_encoder", dtype=dtype)]
    tokenizers = [CLIPTokenizer.from_pretrained(source, subfolder="tokenizer")]
    if kind.name == "sdxl":
        encoders.append(CLIPTextModelWithProjection.from_pretrained(source, subfolder="text_encoder_2", dtype=dtype))
        tokenizers.append(CLIPTokenizer.from_pretrained(source, subfolder="tokenizer_2"))
    _freeze(device, unet, vae, *encoders)
    takes_lq = kind.takes == "lq"
    return Prior(
        name=name,
        kind=kind,
        unet=unet,
        text=TextStack(tuple(tokenizers), tuple(encoders)),
        codec=AutoencoderCodec(vae),
        scheduler=DDIMScheduler.from_pretrained(source, subfolder="scheduler"),
        fingerprint=fingerprint(unet, *encoders),
        lq_scheduler=DDPMScheduler.from_pretrained(source, subfolder="low_res_scheduler") if takes_lq else None,
    )


def _freeze(device: str | torch.device, unet: nn.Module, *others: nn.Module) -> None:
    for module in (unet, *others):
        module.to(device).eval().requires_grad_(False)
    unet.to(memory_format=torch.channels_last)


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
