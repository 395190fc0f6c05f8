"""DiffBIR v1 and v2 (Lin et al., ECCV 2024, section 3.2): IRControlNet beside the plain UNet of Stable Diffusion 2.1-base.

The UNet is `priors.ldm.load_ldm_unet`'s: diffusers adds a ControlNet's residuals to the skips and after the middle block, which
is DiffBIR's own control. A refinement of the prior therefore goes into a UNet with no name besides the vanilla ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel
from diffusers.models.controlnets.controlnet import ControlNetOutput
from torch import Tensor, nn

from rapsr_core.priors.checkpoints import below, fill, read_weights
from rapsr_core.priors.ldm import SD21_BASE_UNET
from rapsr_core.priors.naming import unet_from_ldm

CONTROLNET_PREFIX = "control_model."
"""In DiffBIR v1's whole checkpoints; v2's file holds the ControlNet alone, without a prefix."""

HOST_ONLY: dict[str, str] = {}
"""What of the UNet only DiffBIR has: nothing."""

_CONDITION_CHANNELS = 4


class IRControlNet(ControlNetModel):
    """A copy of the UNet's first half that sees the condition latent concatenated to the noisy one.

    `config`: of the UNet it stands beside.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        known = inspect.signature(ControlNetModel.__init__).parameters
        shared = {key: value for key, value in config.items() if key in known}
        super().__init__(**shared | {"in_channels": config.get("in_channels", 4) + _CONDITION_CHANNELS})
        self.controlnet_cond_embedding = nn.Identity()  # the condition enters through conv_in

    def forward(
        self, sample: Tensor, timestep: Tensor | int, encoder_hidden_states: Tensor, controlnet_cond: Tensor, **more: Any
    ) -> ControlNetOutput:
        """Residuals for the UNet's skips and middle block.

        Args:
            sample: noisy latent (B, 4, h, w).
            timestep: of the original 1000, scalar or (B,).
            encoder_hidden_states: text (B, tokens, width); the ControlNet reads it as the UNet does.
            controlnet_cond: condition latent (B, 4, h, w): mean of the VAE's posterior of the cleaned image, scaled.
            more: as diffusers' ControlNetModel, `conditioning_scale` above all.
        """
        joined = torch.cat([sample, controlnet_cond], 1)
        return super().forward(joined, timestep, encoder_hidden_states, sample.new_zeros(()), **more)


def load_diffbir_controlnet(
    source: Path | Mapping[str, Tensor],
    config: Mapping[str, Any] = SD21_BASE_UNET,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> IRControlNet:
    """IRControlNet from DiffBIR's own file (LDM names, with or without `control_model.`), for a UNet of this configuration.

    Raises ValueError when the weights are not those of such a ControlNet.
    """
    weights = below(read_weights(source), CONTROLNET_PREFIX)
    zero_convs = {name.rsplit(".", 1)[0] for name in weights if name.startswith("zero_convs.")}
    others = {f"zero_convs.{k}.0": f"controlnet_down_blocks.{k}" for k in range(len(zero_convs))}
    names = unet_from_ldm(weights, others | {"middle_block_out.0": "controlnet_mid_block"})
    renamed = {names[name]: weight for name, weight in weights.items()}
    with torch.device("meta"):
        controlnet = IRControlNet(config)
    return fill(controlnet, renamed, device=device, dtype=dtype)
