"""The tiny networks of the DiffBIR and StableSR fixtures, refinements of their UNet, and hosts and files made of them."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
from reference import tensors
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from rapsr_core.device import Device
from rapsr_core.hosts.networks.diffbir import IRControlNet, load_diffbir_controlnet
from rapsr_core.hosts.networks.stablesr import StableSRUNet, load_stablesr_unet
from rapsr_core.hosts.networks.stablesr_structure import (
    STRUCTURE_PREFIX,
    StructureEncoder,
    StructureSizes,
    load_structure_encoder,
)
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.priors import Prior, load_prior
from rapsr_core.priors.embedded import VOCABULARY_SIZE, clip_tokenizer
from rapsr_core.priors.ldm import load_ldm_unet
from rapsr_core.priors.naming import UNET_PREFIX
from rapsr_core.refinement import Refinement
from rapsr_core.refinement.updates import Delta, LowRank
from rapsr_core.sampling.contract import Host

UNET = {
    "sample_size": 8,
    "block_out_channels": (32, 32),
    "layers_per_block": 1,
    "down_block_types": ("CrossAttnDownBlock2D",) * 2,
    "up_block_types": ("CrossAttnUpBlock2D",) * 2,
    "cross_attention_dim": 24,
    "attention_head_dim": 4,
    "use_linear_projection": True,
}
STRUCTURE = StructureSizes(channels=(32, 32), layers=1, attention_levels=(0, 1), heads=4, features=16)


def diffbir(dtype: torch.dtype = torch.float32) -> tuple[IRControlNet, nn.Module]:
    """ControlNet and UNet."""
    controlnet = load_diffbir_controlnet(tensors("diffbir_controlnet_a", "weights"), UNET, dtype=dtype)
    return controlnet, load_ldm_unet(tensors("diffbir_unet_a", "weights"), UNET, dtype=dtype)


def stablesr(dtype: torch.dtype = torch.float32) -> tuple[StructureEncoder, StableSRUNet]:
    """Structure encoder and UNet."""
    encoder = load_structure_encoder(tensors("stablesr_encoder_a", "weights"), STRUCTURE, dtype=dtype)
    weights = tensors("stablesr_unet_a", "weights")
    return encoder, load_stablesr_unet(weights, UNET, structure_channels=STRUCTURE.features, dtype=dtype)


def tiny_refinement(kind: str) -> Refinement:
    """A "lora" of an attention layer or a "delta" of two convolutions, by vanilla names."""
    generator = torch.Generator().manual_seed(1)
    name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    if kind == "lora":
        down, up = torch.randn(2, 32, generator=generator), torch.randn(32, 2, generator=generator)
        updates = {name: LowRank(down, up, 0.5)}
    else:
        convolutions = ("mid_block.resnets.0.conv2.weight", "up_blocks.1.resnets.0.conv2.weight")
        updates = {name: Delta(0.05 * torch.randn(32, 32, 3, 3, generator=generator)) for name in convolutions}
    return Refinement("tiny", updates, "[X]. ", "[V]. ", {}, {}, (), {"prior": "tiny"})


def values(module: nn.Module) -> dict[str, bytes]:
    """Every weight, bit for bit."""
    return {name: weight.contiguous().numpy().tobytes() for name, weight in module.state_dict().items()}


def save_prior(folder: Path) -> Path:
    """A Stable Diffusion 2.1-base whose UNet has the fixtures' sizes; trained, as it were, at 64 px. Its VAE makes 8 px a site."""
    torch.manual_seed(0)
    width = UNET["cross_attention_dim"]
    text = CLIPTextConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=width,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=VOCABULARY_SIZE - 2,
        eos_token_id=VOCABULARY_SIZE - 1,
    )
    levels = 4
    StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(8,) * levels,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            latent_channels=4,
            norm_num_groups=4,
            layers_per_block=1,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=clip_tokenizer(),
        unet=load_ldm_unet(tensors("diffbir_unet_a", "weights"), UNET),
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def save_official(folder: Path, host: str) -> dict[str, Path]:
    """The fixtures' weights as the official files of a host, where `weights.find` looks below `folder`; files by name."""
    (row,) = HOSTS[host].weights
    file = folder / row.path
    file.parent.mkdir(parents=True, exist_ok=True)
    if host == "stablesr":
        networks = {UNET_PREFIX: "stablesr_unet_a", STRUCTURE_PREFIX: "stablesr_encoder_a"}
        weights = {p + name: w for p, fixture in networks.items() for name, w in tensors(fixture, "weights").items()}
        torch.save({"state_dict": weights, "global_step": 117}, file)
    else:
        torch.save(tensors("diffbir_controlnet_a", "weights"), file)
    return {row.name: file}


def host(folder: Path, name: str, prior: Prior | None = None) -> Host:
    """StableSR or DiffBIR as `HostInfo.build` makes it of a prior's folder and official files, all written below `folder`."""
    device = Device(torch.device("cpu"), torch.float32, "test")
    return HOSTS[name].build(prior or load_prior(save_prior(folder / "prior")), save_official(folder / "weights", name), device)
