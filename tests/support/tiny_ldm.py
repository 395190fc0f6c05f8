"""The tiny networks of the DiffBIR and StableSR fixtures, and refinements of their UNet."""

import torch
from reference import tensors
from torch import nn

from rapsr_core.hosts.networks.diffbir import IRControlNet, load_diffbir_controlnet
from rapsr_core.hosts.networks.stablesr import StableSRUNet, load_stablesr_unet
from rapsr_core.hosts.networks.stablesr_structure import StructureEncoder, StructureSizes, load_structure_encoder
from rapsr_core.priors.ldm import load_ldm_unet
from rapsr_core.refinement import Refinement
from rapsr_core.refinement.updates import Delta, LowRank

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
