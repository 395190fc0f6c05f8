"""What the natural-scene metrics share: luma, its half size, and its locally normalised forms, each computed once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from rapsr_core.quality.natural.filters import Border, Plane, correlate_valid, gaussian, resize, resize_matrix

TAPS, SIGMA = 7, 7 / 6
"""The window of BRISQUE, NIQE and PIQE."""

REACH = TAPS // 2


class NaturalError(ValueError):
    """A metric is undefined for this image: too small or flat. The message says which and what would do."""


class Scale:
    """A luminance plane (H, W) float64 and its normalised forms, in the arithmetic asked for.

    NIQE is computed in float64 by pyiqa, BRISQUE and PIQE in float32. That matters: on flat areas rounding decides the sign of
    x - mean, which the fits count (BRISQUE of a half-flat photograph: 63.9 in float64, 66.8 in float32).
    """

    def __init__(self, plane: Plane) -> None:
        self.plane = plane

    @cached_property
    def _double(self) -> Plane:
        return normalise_valid(self.plane, gaussian(TAPS, SIGMA))

    @cached_property
    def _single(self) -> Plane:
        return normalise_valid_single(self.plane)

    def double(self, canvas: Plane, border: Border, changed: int = 0) -> Plane:
        """`normalise_valid` of `canvas` with a border around it: the canvas's own size, float64.

        `canvas` is the plane, cut or extended at its bottom and right, where its last `changed` rows and columns may differ: what
        lies inside both is the plane's own, only the frame is filtered again, with the metric's own border.
        """
        return _framed(self._double, canvas, border, changed, lambda strip: normalise_valid(strip, gaussian(TAPS, SIGMA)))

    def single(self, canvas: Plane, border: Border) -> Plane:
        """As `double`, computed in float32."""
        return _framed(self._single, canvas, border, 0, normalise_valid_single)


def _framed(inside: Plane, canvas: Plane, border: Border, changed: int, normalise: Callable[[Plane], Plane]) -> Plane:
    height, width = canvas.shape
    bottom, right = (min(n, m + 2 * REACH) - changed - REACH for n, m in zip(canvas.shape, inside.shape, strict=True))
    padded = np.pad(canvas, REACH, border)
    out = np.empty_like(canvas)
    out[REACH:bottom, REACH:right] = inside[: bottom - REACH, : right - REACH]
    frame = ((0, REACH, 0, width), (bottom, height, 0, width), (REACH, bottom, 0, REACH), (REACH, bottom, right, width))
    for top, end, left, stop in frame:
        out[top:end, left:stop] = normalise(padded[top : end + 2 * REACH, left : stop + 2 * REACH])
    return out


def normalise_valid_single(plane: Plane) -> Plane:
    """`normalise_valid` with the window of TAPS and SIGMA, computed in float32: (H, W) -> (H - 6, W - 6) float64.

    One two-dimensional convolution by torch, because its order of additions is pyiqa's; the number of threads does not change it.
    """
    line = gaussian(TAPS, SIGMA)
    window = torch.from_numpy(np.outer(line, line).astype(np.float32))[None, None]
    x = torch.from_numpy(plane.astype(np.float32))[None, None]
    mean, square = F.conv2d(x, window), F.conv2d(x * x, window)
    deviation = square.sub_(mean * mean).abs_().sqrt_().add_(1)
    return ((x[..., REACH:-REACH, REACH:-REACH] - mean) / deviation)[0, 0].double().numpy()


def normalise_valid(plane: Plane, window: Plane) -> Plane:
    """(x - mean) / (deviation + 1) where the window fits inside: (H, W) -> (H - n + 1, W - n + 1).

    Ruderman 1994; BRISQUE, equations 1 to 3: mean and deviation under a Gaussian window of n x n.
    """
    mean, deviation = correlate_valid(plane, window), correlate_valid(plane * plane, window)
    deviation -= mean * mean
    np.sqrt(np.abs(deviation, out=deviation), out=deviation)
    deviation += 1
    reach = len(window) // 2
    out = plane[reach:-reach, reach:-reach] - mean
    out /= deviation
    return out


class Features:
    """An image, (1, 3, H, W) sRGB in [0, 1], and on demand what its metrics are made of."""

    def __init__(self, image: Tensor) -> None:
        self.rgb: NDArray[np.float32] = image[0].detach().float().cpu().numpy()
        self.height, self.width = self.rgb.shape[1:]

    @cached_property
    def unit_luma(self) -> NDArray[np.float32]:
        """BT.601 luma (H, W) float32 in [0, 1], not rounded."""
        red, green, blue = self.rgb
        return np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue

    @cached_property
    def full(self) -> Scale:
        """Luma in [0, 255], rounded half to even."""
        return Scale(np.round(self.unit_luma * np.float32(255)).astype(np.float64))

    def refuse_flat(self, label: str) -> None:
        """Raises NaturalError when all of the luma is equal: nothing is left to fit."""
        if self.full.plane.min() == self.full.plane.max():
            raise NaturalError(f"{label} is undefined for an image of one brightness ({self.full.plane.flat[0]:.0f} of 255)")

    @cached_property
    def half(self) -> Scale:
        """The rounded luma at half size: imresize(x, 0.5), not rounded again."""
        return Scale(resize(self.full.plane, ((self.height + 1) // 2, (self.width + 1) // 2), (0.5, 0.5)))

    def half_of_cut(self, height: int, width: int) -> Plane:
        """imresize(x, 0.5) of the top left (height, width) of the luma, both even; all but two rows and columns are shared."""
        half = self.half.plane[: height // 2, : width // 2].copy()
        cut = self.full.plane[:height, :width]
        down, across = (resize_matrix(n, n // 2, 0.5) for n in cut.shape)
        half[-2:] = (across @ (down[[-2, -1]] @ cut).T).T
        half[:, -2:] = down @ (across[[-2, -1]] @ cut.T).T
        return half
