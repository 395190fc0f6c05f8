"""The official process on the CPU, one image after the other, with the operations the official loaders use.

Real-ESRGAN's order (facts in ARCHITECTURE's degradation room); noise as basicsr's `random_add_*_noise_pt`; JPEG with the arithmetic of
basicsr's DiffJPEG: channels last, an 8x8x8x8 tensor contracted with every block. Two filters: OpenCV's, and `filter2D` of
basicsr (a direct convolution), which is what RAP-SR's and SeeSR's loaders call. OpenCV is there for this bench alone: it comes with
pyiqa.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rapsr_core.degradation import operations as op
from rapsr_core.degradation.jpeg import chroma_table, luma_table
from rapsr_core.degradation.pipeline import Record, kernel_of

Filter = Callable[[Tensor, Tensor], Tensor]
"""(1, 3, H, W) and (k, k) float64 -> filtered, reflect padding."""


def opencv_filter(x: Tensor, kernel: Tensor) -> Tensor:
    if len(kernel) == USM_PX:  # separable, as its `usm_sharp` calls it
        return _from_array(cv2.GaussianBlur(_to_array(x), (USM_PX, USM_PX), 0))
    return _from_array(cv2.filter2D(_to_array(x), -1, kernel.numpy(), borderType=cv2.BORDER_REFLECT_101))


def torch_filter(x: Tensor, kernel: Tensor) -> Tensor:
    margin = len(kernel) // 2
    padded = F.pad(x, (margin,) * 4, mode="reflect").transpose(0, 1)
    return F.conv2d(padded, kernel.to(x)[None, None]).transpose(0, 1)


def official(image: Tensor, record: Record, filter2d: Filter) -> Tensor:
    """(1, 3, S, S) -> (1, 3, S / 4, S / 4), by the decisions of our record."""
    low = image.shape[-1] // record["scale"]
    first, second = record["orders"]
    x = _usm(image, filter2d) if record["usm"] else image
    x = filter2d(x, kernel_of(first["kernel"]))
    x = _noise(op.resize_by(x, first["factor"], first["mode"]), first)
    x = diffjpeg(x, first["jpeg_quality"])
    x = filter2d(x, kernel_of(second["kernel"])) if second["kernel"] else x
    side = int(low * second["factor"])
    x = _noise(op.resize_to(x, (side, side), second["mode"]), second)
    final = record["final"]
    for turn in ("resize", "jpeg") if final["jpeg_last"] else ("jpeg", "resize"):
        if turn == "jpeg":
            x = diffjpeg(x.clamp(0, 1), second["jpeg_quality"])
        else:
            x = op.resize_to(x, (low, low), final["mode"])
            x = filter2d(x, kernel_of(final["sinc"])) if final["sinc"] else x
    return (x.clamp(0, 1) * 255).round() / 255


USM_PX = 51


@functools.cache
def _gaussian() -> Tensor:
    line = cv2.getGaussianKernel(USM_PX, 0)
    return torch.from_numpy(line @ line.T)


def _usm(x: Tensor, filter2d: Filter) -> Tensor:
    residual = x - filter2d(x, _gaussian())
    soft = filter2d((residual.abs() * 255 > 10).float(), _gaussian())
    return soft * (x + 0.5 * residual).clamp(0, 1) + (1 - soft) * x


def _to_array(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x[0].permute(1, 2, 0).numpy())


def _from_array(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array).permute(2, 0, 1)[None]


def _noise(x: Tensor, order: Record) -> Tensor:
    """Grey noise is drawn beside the coloured one, as there."""
    x = x.clamp(0, 1)
    if order["noise"] == "gaussian":
        noise = torch.randn_like(x) * (order["amount"] / 255)
        if order["grey"]:
            noise = (torch.randn(x.shape[-2:]) * (order["amount"] / 255)).expand_as(x)
        return (x + noise).clamp(0, 1)
    noise = _poisson(x)
    if order["grey"]:
        noise = _poisson((x * torch.tensor(op.LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)).expand_as(x)
    return (x + noise * order["amount"]).clamp(0, 1)


def _poisson(x: Tensor) -> Tensor:
    x = (x * 255).round().clamp(0, 255) / 255
    levels = 2 ** math.ceil(math.log2(len(torch.unique(x))))
    return torch.poisson(x * levels) / levels - x


@functools.cache
def _cosines() -> tuple[Tensor, Tensor, Tensor]:
    """The 8x8x8x8 tensors of DCT and inverse, and the 8x8 scale alpha(u) alpha(v)."""
    index = torch.arange(8, dtype=torch.float64)
    line = torch.cos((2 * index[:, None] + 1) * index[None] * math.pi / 16)  # x, u
    forward = torch.einsum("xu,yv->xyuv", line, line).float()
    alpha = torch.ones(8)
    alpha[0] = 1 / math.sqrt(2)
    return forward, forward.permute(2, 3, 0, 1).contiguous(), torch.outer(alpha, alpha)


_TO_YCBCR = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_TO_RGB = torch.tensor([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])
_SHIFT = torch.tensor([0.0, 128.0, 128.0])


def diffjpeg(x: Tensor, quality: float) -> Tensor:
    """(1, 3, H, W) in [0, 1]; without differentiable rounding."""
    height, width = x.shape[-2:]
    factor = 50 / quality if quality < 50 else 2 - quality / 50
    padded = F.pad(x, (0, -width % 16, 0, -height % 16)) * 255
    ycbcr = torch.tensordot(padded.permute(0, 2, 3, 1), _TO_YCBCR.T, dims=1) + _SHIFT
    luma, *chroma = ycbcr.permute(0, 3, 1, 2).clone().split(1, dim=1)
    planes = [_requantised(luma[:, 0], luma_table() * factor)]
    for plane in chroma:
        small = _requantised(F.avg_pool2d(plane, 2, 2)[:, 0], chroma_table() * factor)
        planes.append(small[..., None].repeat(1, 1, 2, 2).view(1, small.shape[1] * 2, small.shape[2] * 2))
    rgb = torch.tensordot(torch.stack(planes, dim=3) - _SHIFT, _TO_RGB.T, dims=1).permute(0, 3, 1, 2)
    return (rgb.clamp(0, 255) / 255)[..., :height, :width]


def _requantised(plane: Tensor, steps: Tensor) -> Tensor:
    forward, back, scale = _cosines()
    _, height, width = plane.shape
    blocks = plane.view(1, height // 8, 8, width // 8, 8).permute(0, 1, 3, 2, 4).contiguous().view(1, -1, 8, 8)
    coefficients = scale * 0.25 * torch.tensordot(blocks - 128, forward, dims=2)
    kept = torch.round(coefficients / steps) * steps
    pixels = 0.25 * torch.tensordot(kept * scale, back, dims=2) + 128
    return pixels.view(1, height // 8, width // 8, 8, 8).permute(0, 1, 3, 2, 4).contiguous().view(1, height, width)
