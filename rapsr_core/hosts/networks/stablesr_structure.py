"""StableSR's time-aware structure encoder (Wang et al., IJCV 2024, section 3.1), half a UNet without text.

Made from the paper, key lists and notes in tests/reference; the official code is not free, and none of it is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_blocks import AttnDownBlock2D, DownBlock2D, UNetMidBlock2D
from torch import Tensor, nn

from rapsr_core.hosts.networks.stablesr import STRUCTURE_CHANNELS
from rapsr_core.priors.checkpoints import CheckpointError, below, fill, read_weights
from rapsr_core.priors.naming import resnet_from_ldm, unet_from_ldm

STRUCTURE_PREFIX = "structcond_stage_model."

_EPS, _GROUPS = 1e-5, 32


@dataclass(frozen=True)
class StructureSizes:
    """Sizes of the encoder; by default those of `v2-finetune_text_T_512.yaml`, as the published key list has them."""

    channels: tuple[int, ...] = (256, 256, 512, 512)  # of each level
    layers: int = 2
    attention_levels: tuple[int, ...] = (0, 1, 2)
    heads: int = 4
    features: int = STRUCTURE_CHANNELS


OFFICIAL_SIZES = StructureSizes()


def structure_sizes(weights: Mapping[str, Tensor]) -> StructureSizes:
    """Sizes of the encoder that a checkpoint of StableSR has under `structcond_stage_model.`; heads, which weights do not tell, are 4.

    Raises CheckpointError when it has none.
    """
    shapes = {name: tuple(weight.shape) for name, weight in below(weights, STRUCTURE_PREFIX).items()}
    channels = [shapes[name][0] for name in sorted(shapes) if re.fullmatch(r"fea_tran\.\d+\.in_layers\.0\.weight", name)]
    blocks = re.compile(r"input_blocks\.(\d+)\.(0\.op|1\.qkv)\.weight")
    found = [(match[2], int(match[1])) for name in shapes if (match := blocks.fullmatch(name))]
    downsamplers = [number for part, number in found if part == "0.op"]
    if not channels or not downsamplers:
        raise CheckpointError(
            f"no structure encoder under {STRUCTURE_PREFIX!r}: StableSR's checkpoint stablesr_000117.ckpt has one"
        )
    parts = min(downsamplers)  # a level's layers and its downsampler
    return StructureSizes(
        channels=tuple(channels),
        layers=parts - 1,
        attention_levels=tuple(sorted({number // parts for part, number in found if part == "1.qkv"})),
        features=shapes["fea_tran.0.out_layers.3.weight"][0],
    )


class StructureEncoder(nn.Module):
    """Latent of the enlarged input and timestep -> structure features of every level."""

    def __init__(self, sizes: StructureSizes) -> None:
        super().__init__()
        width, embedded = sizes.channels[0], 4 * sizes.channels[0]
        self.time_proj = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(width, embedded)
        self.conv_in = nn.Conv2d(4, width, 3, padding=1)
        self.down_blocks = nn.ModuleList(_down_block(sizes, level) for level in range(len(sizes.channels)))
        heads = {"attention_head_dim": sizes.channels[-1] // sizes.heads, "resnet_eps": _EPS}
        self.mid_block = UNetMidBlock2D(sizes.channels[-1], embedded, **heads)
        self.fea_tran = nn.ModuleList(
            ResnetBlock2D(
                in_channels=channels,
                out_channels=sizes.features,
                temb_channels=embedded,
                groups_out=min(_GROUPS, sizes.features),
                eps=_EPS,
            )
            for channels in sizes.channels
        )

    def forward(self, latent: Tensor, timestep: Tensor | int) -> tuple[Tensor, ...]:
        """Features (B, S, h / 2^k, w / 2^k), from fine to coarse.

        Args:
            latent: of the enlarged input, scaled, without noise, (B, 4, h, w).
            timestep: of the original 1000, scalar or (B,).
        """
        t = torch.as_tensor(timestep, device=latent.device).expand(latent.shape[0])
        embedding = self.time_embedding(self.time_proj(t).to(latent.dtype))
        h, ends = self.conv_in(latent), []
        for block in self.down_blocks:
            h, outputs = block(h, embedding)
            ends.append(outputs[len(block.resnets) - 1])  # what the downsampler is given
        ends[-1] = self.mid_block(h, embedding)  # the last level has none
        return tuple(transform(end, embedding) for transform, end in zip(self.fea_tran, ends, strict=True))


def _down_block(sizes: StructureSizes, level: int) -> nn.Module:
    channels, last = sizes.channels, level == len(sizes.channels) - 1
    common = {
        "in_channels": channels[max(level - 1, 0)],
        "out_channels": channels[level],
        "temb_channels": 4 * channels[0],
        "num_layers": sizes.layers,
        "resnet_eps": _EPS,
    }
    if level not in sizes.attention_levels:
        return DownBlock2D(**common, add_downsample=not last)
    return AttnDownBlock2D(
        **common, attention_head_dim=channels[level] // sizes.heads, downsample_type="none" if last else "conv"
    )


def load_structure_encoder(
    source: Path | Mapping[str, Tensor],
    sizes: StructureSizes = OFFICIAL_SIZES,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> StructureEncoder:
    """Encoder from what StableSR's checkpoint has under `structcond_stage_model.`, or from a file of it alone.

    Raises ValueError when the weights are not those of an encoder of these sizes.
    """
    weights = below(read_weights(source), STRUCTURE_PREFIX)
    transforms: dict[str, str] = {}
    for level in range(len(sizes.channels)):
        transforms |= resnet_from_ldm(f"fea_tran.{level}", f"fea_tran.{level}")
    names = unet_from_ldm(weights, transforms)
    renamed = {ours: w for name, weight in weights.items() for ours, w in _attention(names[name], weight, sizes.heads)}
    with torch.device("meta"):
        encoder = StructureEncoder(sizes)
    return fill(encoder, renamed, device=device, dtype=dtype)


def _attention(name: str, weight: Tensor, heads: int) -> Iterator[tuple[str, Tensor]]:
    """An attention block's weights as diffusers has them.

    LDM's old block keeps linear layers as convolutions of width 1, and query, key and value in one, head by head.
    """
    block, _, end = name.rpartition(".attentions.")
    number, _, layer = end.partition(".")
    ours, (kind, _, leaf) = f"{block}.attentions.{number}", layer.partition(".")
    match kind if block else "":
        case "norm":
            yield f"{ours}.group_norm.{leaf}", weight
        case "proj_out":
            yield f"{ours}.to_out.0.{leaf}", weight.flatten(1) if leaf == "weight" else weight
        case "qkv":
            split = weight.reshape(heads, 3, -1, *weight.shape[1:2])
            for part, third in zip(("to_q", "to_k", "to_v"), split.unbind(1), strict=True):
                yield f"{ours}.{part}.{leaf}", third.flatten(0, 1)
        case _:
            yield name, weight
