"""OSEDiff's UNet and VAE (Wu et al., NeurIPS 2024): those of Stable Diffusion 2.1-base with adapters of low rank, for a single step.

Adapters stay beside the weights they adapt, and all names are the official ones. So every vanilla weight keeps its vanilla name, a
refinement of the prior plugs in by name, and the adapters add to the REFINED weights, as if it had been merged before them: folded
into the weights they would be undone by a refinement of full weights. `conv_in` is replaced by OSEDiff's own; the prior's is kept
beside it, where a refinement finds it and nothing uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn

from rapsr_core.priors.checkpoints import CheckpointError, Network, fill, unpickled

ALPHA = 8
"""`lora_alpha` of all adapters: never given in the official code, so its library's default. An adapter adds ALPHA / rank * B A."""

HOST_ONLY = {"adapter": r"\.lora_[AB]\.", "its own conv_in": r"^conv_in\.base_layer\."}
"""What of the UNet only OSEDiff has, as patterns of names; a refinement of SD 2.1-base has none of it."""

UNET_ADAPTERS = {
    "conv_in": "default_encoder",
    "down_blocks": "default_encoder",
    "up_blocks": "default_decoder",
    "conv_out": "default_decoder",
    "mid_block": "default_others",
}
"""Part of the UNet -> its adapter. In these every linear layer and convolution has one, but for NOT_ADAPTED."""

VAE_ADAPTERS = {"encoder": "default_encoder", "quant_conv": "default_encoder"}
"""The same for the VAE: its decoder is untouched."""

NOT_ADAPTED = "time_emb"
"""What the names of the UNet's layers for the timestep contain."""


@dataclass(frozen=True)
class OSEDiffCheckpoint:
    """`osediff.pkl`: adapters of UNet and VAE by their official names, with their ranks. `unet` has OSEDiff's own conv_in, too."""

    unet: Mapping[str, Tensor]
    unet_rank: int
    vae: Mapping[str, Tensor]
    vae_rank: int


def read_osediff(source: Path | Mapping[str, Any]) -> OSEDiffCheckpoint:
    """An official checkpoint file or what is in it, on the CPU. Its lists of adapted modules say nothing that the names do not.

    Raises CheckpointError when it is none.
    """
    stored = unpickled(source) if isinstance(source, Path) else source
    needed = ("state_dict_unet", "rank_unet", "state_dict_vae", "rank_vae")
    lacking = [name for name in needed if not isinstance(stored, Mapping) or name not in stored]
    if lacking:
        raise CheckpointError(f"these are not OSEDiff's weights: {', '.join(lacking)} missing")
    return OSEDiffCheckpoint(*(stored[name] for name in needed))


def load_osediff_unet(checkpoint: OSEDiffCheckpoint, prior: UNet2DConditionModel) -> UNet2DConditionModel:
    """OSEDiff's UNet, frozen, on the prior's device in its type. The prior's weights are shared and stay what they are.

    It is called as any diffusers UNet, once, at t = 999, on the unnoised latent of the LQ at output size; it predicts noise.
    Raises CheckpointError when names or shapes differ.
    """
    with torch.device("meta"):
        network = UNet2DConditionModel.from_config(prior.config)
        _adapt(network, UNET_ADAPTERS, checkpoint.unet_rank)
        network.conv_in = _OwnConv(network.conv_in)
    return _filled(network, prior, checkpoint.unet)


def load_osediff_vae(checkpoint: OSEDiffCheckpoint, prior: AutoencoderKL) -> AutoencoderKL:
    """OSEDiff's VAE, whose encoder is adapted, in the same way. The LQ's latent is a sample of its posterior, as the official code's."""
    with torch.device("meta"):
        network = AutoencoderKL.from_config(prior.config)
        _adapt(network, VAE_ADAPTERS, checkpoint.vae_rank)
    return _filled(network, prior, checkpoint.vae)


class _Adapted(nn.Module):
    """An adapter of low rank beside a layer: A in the layer's own geometry but for its `rank` channels, B after it, at single sites."""

    lora_A: nn.ModuleDict
    lora_B: nn.ModuleDict
    scale: float

    def side(self, x: Tensor) -> Tensor:
        (down,), (up,) = self.lora_A.values(), self.lora_B.values()
        return self.scale * up(down(x))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.side(x)


class _AdaptedLinear(_Adapted, nn.Linear):
    def __init__(self, layer: nn.Linear, adapter: str, rank: int) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None)
        self.lora_A = nn.ModuleDict({adapter: nn.Linear(layer.in_features, rank, bias=False)})
        self.lora_B = nn.ModuleDict({adapter: nn.Linear(rank, layer.out_features, bias=False)})
        self.scale = ALPHA / rank


class _AdaptedConv(_Adapted, nn.Conv2d):
    def __init__(self, layer: nn.Conv2d, adapter: str, rank: int) -> None:
        geometry = (layer.kernel_size, layer.stride, layer.padding)
        super().__init__(layer.in_channels, layer.out_channels, *geometry)
        self.lora_A = nn.ModuleDict({adapter: nn.Conv2d(layer.in_channels, rank, *geometry, bias=False)})
        self.lora_B = nn.ModuleDict({adapter: nn.Conv2d(rank, layer.out_channels, 1, bias=False)})
        self.scale = ALPHA / rank


class _OwnConv(_AdaptedConv):
    """An adapted convolution whose own weight is not the prior's."""

    def __init__(self, layer: _AdaptedConv) -> None:
        ((adapter, down),) = layer.lora_A.items()
        super().__init__(layer, adapter, down.out_channels)
        self.base_layer = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)

    def forward(self, x: Tensor) -> Tensor:
        return self.base_layer(x) + self.side(x)


def _adapt(network: nn.Module, adapters: Mapping[str, str], rank: int) -> None:
    """Replace layers by adapted ones of new weights."""
    kinds = {nn.Linear: _AdaptedLinear, nn.Conv2d: _AdaptedConv}
    for name, layer in list(network.named_modules()):
        adapter = adapters.get(name.partition(".")[0])
        if adapter and type(layer) in kinds and NOT_ADAPTED not in name:
            network.set_submodule(name, kinds[type(layer)](layer, adapter, rank))


def _filled(network: Network, prior: nn.Module, official: Mapping[str, Tensor]) -> Network:
    """The network with the prior's weights and the official ones, which have no name in common."""
    vanilla = prior.state_dict()
    if both := sorted(vanilla.keys() & official.keys()):
        raise CheckpointError(f"these are not OSEDiff's weights: {both[0]} is the prior's own ({len(both)} such names)")
    return fill(network, {**vanilla, **official}, device=prior.device, dtype=prior.dtype)
