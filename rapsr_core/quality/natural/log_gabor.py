"""Log-Gabor filters and Gaussian derivatives in the frequency domain, as IL-NIQE uses them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import correlate1d

SCALES, ORIENTATIONS = 3, 4
BANDWIDTH, STEP, ANGULAR = 0.55, 1.31, 1.10
"""sigmaOnf, mult and dThetaOnSigma of the release."""


@functools.lru_cache(maxsize=4)
def log_gabor_bank(side: int, shortest_px: float) -> NDArray[np.float32]:
    """(12, side, side) transfer functions in FFT order, scale by scale (Field 1987; Kovesi's construction), for an even side."""
    at = fft.fftfreq(side)
    x, y = at[None, :], at[:, None]
    radius = np.hypot(x, y)
    radius[0, 0] = 1
    angle = np.arctan2(-y, x)
    spread = math.pi / ORIENTATIONS / ANGULAR
    bank = []
    for scale in range(SCALES):
        radial = np.exp(-(np.log(radius * shortest_px * STEP**scale) ** 2) / (2 * math.log(BANDWIDTH) ** 2))
        radial[0, 0] = 0
        for orientation in range(ORIENTATIONS):
            away = angle - orientation * math.pi / ORIENTATIONS
            away = np.abs(np.arctan2(np.sin(away), np.cos(away)))
            bank.append(radial * np.exp(-(away**2) / (2 * spread**2)))
    return np.stack(bank).astype(np.float32)


@dataclass(frozen=True)
class Derivative:
    """Derivative of a Gaussian along x and along y, x exp(-(x^2 + y^2) / 2 sigma^2), on a square of `side` pixels, zeros outside."""

    side: int
    sigma: float

    @property
    def reach(self) -> int:
        return math.ceil(3 * self.sigma)

    @functools.cached_property
    def _lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The bell and the slope: the two factors of either filter."""
        at = np.arange(-self.reach, self.reach + 1, dtype=np.float64)
        bell = np.exp(-(at**2) / (2 * self.sigma**2))
        return bell, at * bell

    @functools.cached_property
    def _transfer(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        bell, slope = (fft.fft(np.roll(np.pad(line, (0, self.side - len(line))), -self.reach)) for line in self._lines)
        along_x, along_y = np.outer(bell, slope), np.outer(slope, bell)
        return along_x.astype(np.complex64), along_y.astype(np.complex64)

    def of(self, plane: NDArray, spectrum: NDArray[np.complex64]) -> tuple[NDArray, NDArray]:
        """Along x and y, of `plane` (side, side) with its FFT: complex64; of real and imaginary part by themselves.

        The products of spectra are circular; the frame that saw the other side is computed again with zeros outside.
        """
        bell, slope = self._lines
        derivatives = []
        for transfer, down, across in zip(self._transfer, (bell, slope), (slope, bell), strict=True):
            out = fft.ifft2(spectrum * transfer, workers=1, overwrite_x=True)
            self._fix_frame(out, plane, down, across)
            derivatives.append(out)
        return derivatives[0], derivatives[1]

    def _fix_frame(self, out: NDArray, plane: NDArray, down: NDArray, across: NDArray) -> None:
        n = self.reach
        for there, strip, kept in (
            (np.s_[:n], np.s_[: 2 * n], np.s_[:n]),
            (np.s_[-n:], np.s_[-2 * n :], np.s_[-n:]),
            (np.s_[:, :n], np.s_[:, : 2 * n], np.s_[:, :n]),
            (np.s_[:, -n:], np.s_[:, -2 * n :], np.s_[:, -n:]),
        ):
            # convolution is correlation with the mirrored line: the bell is even, the slope odd
            part = correlate1d(plane[strip], down[::-1], axis=0, mode="constant")
            out[there] = correlate1d(part, across[::-1], axis=1, mode="constant")[kept]
