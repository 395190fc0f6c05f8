"""What the natural-scene metrics share: luma, its half size, and local means and deviations, each computed once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rapsr_core.quality.natural.filters import Border, correlate_valid, gaussian, resize, resize_matrix

TAPS, SIGMA = 7, 7 / 6
"""The window of BRISQUE, NIQE and PIQE."""

REACH = TAPS // 2

Plane = NDArray[np.float64]


class NaturalError(ValueError):
    """A metric is undefined for this image: too small or flat. The message says which and what would do."""


class Scale:
    """A luminance plane (H, W) float64 and its normalised forms."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane

    @cached_property
    def _inside(self) -> tuple[Plane, Plane]:
        """Local mean and mean square where the window fits inside: (H - 6, W - 6)."""
        return _moments(self.plane)

    def normalised(self, canvas: Plane, border: Border, changed: int = 0) -> Plane:
        """(x - mean) / (deviation + 1) of `canvas` (Ruderman 1994; Mittal 2012, equation 1).

        `canvas` is the plane, cut or extended at its bottom and right, where its last `changed` rows and columns may differ: what
        lies inside both is taken from the plane's own moments, only the frame is filtered again, with the metric's own border.
        """
        height, width = canvas.shape
        bottom, right = (min(n, m) - changed - REACH for n, m in zip(canvas.shape, self.plane.shape, strict=True))
        padded = np.pad(canvas, REACH, border)
        mean, square = np.empty_like(canvas), np.empty_like(canvas)
        for out, inside in zip((mean, square), self._inside, strict=True):
            out[REACH:bottom, REACH:right] = inside[: bottom - REACH, : right - REACH]
        frame = ((0, REACH, 0, width), (bottom, height, 0, width), (REACH, bottom, 0, REACH), (REACH, bottom, right, width))
        for top, end, left, stop in frame:
            strip = padded[top : end + 2 * REACH, left : stop + 2 * REACH]
            mean[top:end, left:stop], square[top:end, left:stop] = _moments(strip)
        return normalise(canvas, mean, square)


def _moments(plane: Plane) -> tuple[Plane, Plane]:
    window = gaussian(TAPS, SIGMA)
    return correlate_valid(plane, window, window), correlate_valid(plane * plane, window, window)


def normalise(plane: Plane, mean: Plane, square: Plane) -> Plane:
    """(x - mean) / (sqrt(|mean square - mean^2|) + 1); overwrites `square`."""
    square -= mean * mean
    np.abs(square, out=square)
    np.sqrt(square, out=square)
    square += 1
    return (plane - mean) / square


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
