"""StableSR (Wang et al., IJCV 2024, section 3.1): a time-aware structure encoder, and SPADE in every residual block of the UNet.

Made from the paper, key lists and notes in tests/reference; the official code is not free, and none of it is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor, nn

from rapsr_core.priors.checkpoints import below, fill, read_weights
from rapsr_core.priors.ldm import SD21_BASE_UNET
from rapsr_core.priors.naming import UNET_PREFIX, unet_from_ldm

HOST_ONLY = {"SPADE": r"\.conv2\.spade\."}
"""What of the UNet only StableSR has, as patterns of our names; a refinement of SD 2.1-base has none of it."""

STRUCTURE_CHANNELS = 256
_SPADE_WIDTH = 128


@dataclass
class _Structure:
    """Where the blocks find the structure features of the pass under way: diffusers' blocks hand nothing on to their residuals."""

    features: Sequence[Tensor] = field(default_factory=tuple)


class Spade(nn.Module):
    """norm(h) * (1 + gamma) + beta, with gamma and beta convolved from structure features (Park et al., CVPR 2019, eq. 1).

    The norm has a scale and a shift of its own, and is a group norm. Names are the checkpoint's.
    """

    def __init__(self, channels: int, structure_channels: int) -> None:
        super().__init__()
        self.param_free_norm = nn.GroupNorm(32, channels)
        self.mlp_shared = nn.Sequential(nn.Conv2d(structure_channels, _SPADE_WIDTH, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(_SPADE_WIDTH, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(_SPADE_WIDTH, channels, 3, padding=1)

    def forward(self, h: Tensor, structure: Tensor) -> Tensor:
        """h (B, C, h, w), structure (B or 1, S, h, w) -> (B, C, h, w)."""
        shared = self.mlp_shared(structure)
        return self.param_free_norm(h) * (1 + self.mlp_gamma(shared)) + self.mlp_beta(shared)


class ModulatedConv(nn.Conv2d):
    """A residual block's last convolution with SPADE after it, hence before the skip is added; its weights keep their names."""

    def __init__(self, conv: nn.Conv2d, structure: _Structure, level: int, structure_channels: int) -> None:
        super().__init__(conv.in_channels, conv.out_channels, kernel_size=3, padding=1)
        self.spade = Spade(conv.out_channels, structure_channels)
        self.structure, self.level = structure, level

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, h, w), modulated by the features of the block's level."""
        return self.spade(super().forward(input), self.structure.features[self.level])


class StableSRUNet(UNet2DConditionModel):
    """The prior's UNet, its residual blocks modulated. `config`: of the prior's UNet. Names besides the vanilla ones: `HOST_ONLY`."""

    def __init__(self, config: Mapping[str, Any], structure_channels: int = STRUCTURE_CHANNELS) -> None:
        super().__init__(**{key: value for key, value in config.items() if not key.startswith("_")})
        self.structure, last = _Structure(), len(self.down_blocks) - 1
        levels = [(block, level) for level, block in enumerate(self.down_blocks)]
        levels += [(self.mid_block, last), *((block, last - k) for k, block in enumerate(self.up_blocks))]
        for block, level in levels:
            for resnet in block.resnets:
                resnet.conv2 = ModulatedConv(resnet.conv2, self.structure, level, structure_channels)

    def forward(
        self, sample: Tensor, timestep: Tensor | int, encoder_hidden_states: Tensor, structure: Sequence[Tensor], **more: Any
    ) -> UNet2DConditionOutput:
        """The noise in `sample`.

        Args:
            sample: noisy latent (B, 4, h, w), h and w divisible by 2 ** (levels - 1).
            timestep: of the original 1000, scalar or (B,).
            encoder_hidden_states: text (B, tokens, width).
            structure: the structure encoder's features of this timestep, from fine to coarse, (B or 1, S, h / 2^k, w / 2^k).
            more: as diffusers' UNet2DConditionModel.
        """
        self.structure.features = structure
        try:
            return super().forward(sample, timestep, encoder_hidden_states, **more)
        finally:
            self.structure.features = ()


def load_stablesr_unet(
    source: Path | Mapping[str, Tensor],
    config: Mapping[str, Any] = SD21_BASE_UNET,
    *,
    structure_channels: int = STRUCTURE_CHANNELS,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> StableSRUNet:
    """UNet with SPADE from StableSR's own checkpoint (`model.diffusion_model.`). Raises ValueError for other weights."""
    weights = below(read_weights(source), UNET_PREFIX)
    names = unet_from_ldm(weights)
    renamed = {names[name]: weight for name, weight in weights.items()}
    with torch.device("meta"):
        unet = StableSRUNet(config, structure_channels)
    return fill(unet, renamed, device=device, dtype=dtype)
