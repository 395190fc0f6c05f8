"""Hand-crafted features of photographs as published before learned aesthetic models: each maps a small picture to [0, 1].

A small picture is (3, h, w) sRGB in [0, 1], long side SMALL_PX (reduced with antialiasing), so that features do not depend on the
number of pixels. What the literature gives as a measure without a scale is brought to [0, 1] by the bounds named beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]

SMALL_PX = 384
MIDDLE, SPREAD = 0.5, 0.2
"""Mertens, Kautz and Van Reeth, "Exposure Fusion", Pacific Graphics 2007, section 3.1: well-exposedness exp(-(v - .5)^2 / (2 * .2^2))."""
CLIPPED = (2 / 255, 253 / 255)
"""Luma at or beyond which a pixel counts as clipped: two grey levels from each end."""
QUITE_COLOURFUL = 59.0
"""Hasler and Suesstrunk 2003, table 2: the value observers called "quite colourful"; more earns no more."""
HUE_BINS, HUE_SHARE = 20, 0.05
"""Ke, Tang and Jing, CVPR 2006, section 3.3: hues are counted in 20 bins, those above 5 % of the largest one."""
POINT_SPREAD = 0.17
"""Liu, Chen, Wolf and Cohen-Or, "Optimizing Photo Composition", Eurographics 2010: sigma of the power-point energy."""
SALIENCY_PX = 64
"""Hou and Zhang, CVPR 2007, section 2: the spectral residual is computed on 64 pixels."""
SALIENT = 3.0
"""Hou and Zhang, section 3: an object is where saliency is over three times its mean."""
EDGE_ENERGY = 0.98
"""Ke et al. 2006, section 3.1: the box that holds 98 % of the edge energy along each axis."""
SHARP_SHARE = 0.55
"""Share of strong frequencies at which a picture counts as sharp: about the 90th percentile over 952 photographs of mixed quality."""
STRONG = 5.0
"""Ke et al. 2006, section 3.2: a frequency is strong when its magnitude (8-bit values, 1 / sqrt(pixels)) is over 5."""


def exposure(luma: Array) -> float:
    """Luma (h, w) in [0, 1]: well-exposedness (MIDDLE, SPREAD) of its mean, times the share of pixels that are not clipped.

    Mertens et al. weigh pixels; taken of the mean, a picture may have deep shadows and bright lights (Datta et al., ECCV 2006, f1).
    """
    clipped = float(((luma <= CLIPPED[0]) | (luma >= CLIPPED[1])).mean())
    return float(np.exp(-((luma.mean() - MIDDLE) ** 2) / (2 * SPREAD**2))) * (1 - clipped)


def contrast(luma: Array) -> float:
    """Width of the middle 98 % of the luma histogram (Ke et al. 2006, section 3.4). Luma (h, w) in [0, 1]."""
    low, high = np.quantile(luma, (0.01, 0.99))
    return float(high - low)


def colourfulness(rgb: Array) -> float:
    """M3 of Hasler and Suesstrunk, "Measuring colourfulness in natural images", SPIE 5007, 2003. (3, h, w) in [0, 1] -> about 0 to 110."""
    r, g, b = rgb * 255
    rg, yb = r - g, (r + g) / 2 - b
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def colour(rgb: Array) -> float:
    """`colourfulness` over QUITE_COLOURFUL, at most 1."""
    return min(colourfulness(rgb) / QUITE_COLOURFUL, 1.0)


def harmony(rgb: Array) -> float:
    """Few hues: 1 - (count - 1) / (HUE_BINS - 1) with the hue count of Ke et al. 2006 (pixels with saturation > .2, value .15 to .95).

    (3, h, w) in [0, 1]; a picture without such pixels has no hues and gets 1.
    """
    high, low = rgb.max(0), rgb.min(0)
    spread = high - low
    saturated = (spread > 0.2 * high) & (high > 0.15) & (high < 0.95)
    if not saturated.any():
        return 1.0
    (r, g, b), high, spread = rgb[:, saturated], high[saturated], spread[saturated]
    hue = np.select([high == r, high == g], [(g - b) / spread % 6, (b - r) / spread + 2], (r - g) / spread + 4) / 6
    counts = np.bincount((hue * HUE_BINS).astype(int) % HUE_BINS, minlength=HUE_BINS)
    return 1 - (int((counts > HUE_SHARE * counts.max()).sum()) - 1) / (HUE_BINS - 1)


def saliency(luma: Array) -> Array:
    """Spectral residual (Hou and Zhang, CVPR 2007) of luma (h, w), objects only: (SALIENCY_PX, SALIENCY_PX), non-negative, sum 1.

    Where nothing is over the threshold all of the map counts.
    """
    small = ndimage.zoom(luma, np.divide(SALIENCY_PX, luma.shape), order=1, mode="nearest", grid_mode=True)
    spectrum = np.fft.fft2(small)
    log = np.log(np.abs(spectrum) + 1e-8)
    residual = log - ndimage.uniform_filter(log, 3, mode="wrap")
    found = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    found = ndimage.gaussian_filter(found, 2.5)
    objects = np.where(found > SALIENT * found.mean(), found, 0)
    found = objects if objects.any() else found
    return found / found.sum()


def thirds(luma: Array) -> float:
    """Salient mass at the nearest of the four power points (Liu et al. 2010, E_point): sum of M exp(-d^2 / (2 sigma)), d Manhattan.

    Luma (h, w) in [0, 1]; coordinates are shares of width and height.
    """
    place = (np.arange(SALIENCY_PX) + 0.5) / SALIENCY_PX
    away = np.minimum(np.abs(place - 1 / 3), np.abs(place - 2 / 3))
    distance = away[:, None] + away[None, :]
    return float((saliency(luma) * np.exp(-(distance**2) / (2 * POINT_SPREAD))).sum())


def simplicity(luma: Array) -> float:
    """1 - area of the box with EDGE_ENERGY of the Laplacian's energy along each axis (Ke et al. 2006, section 3.1). Luma (h, w)."""
    energy = np.abs(ndimage.laplace(ndimage.gaussian_filter(luma, 1)))
    if energy.sum() < 1e-6:
        return 0.0
    return 1 - _middle(energy.sum(0)) * _middle(energy.sum(1))


def _middle(mass: Array) -> float:
    """Share of positions between the tails that hold (1 - EDGE_ENERGY) / 2 of the mass each."""
    summed = np.cumsum(mass) / mass.sum()
    tail = (1 - EDGE_ENERGY) / 2
    return float((np.searchsorted(summed, 1 - tail) - np.searchsorted(summed, tail) + 1) / len(mass))


def focus(luma: Array) -> float:
    """Low depth of field: how much of the fine detail lies in the middle 2 x 2 of 4 x 4 blocks (Datta et al., ECCV 2006, f53 to f55).

    Luma (h, w). Of evenly spread detail a quarter lies there (0 here); three quarters give 1. The detail is a Laplacian's, not a wavelet's.
    """
    detail = np.abs(ndimage.laplace(luma))
    if detail.sum() < 1e-6:
        return 0.0
    h, w = luma.shape
    middle = detail[h // 4 : h - h // 4, w // 4 : w - w // 4].sum()
    return float(np.clip((middle / detail.sum() - 0.25) / 0.5, 0, 1))


def sharpness(luma: Array) -> float:
    """Share of strong frequencies (Ke et al. 2006, section 3.2) over SHARP_SHARE, at most 1. Luma (h, w) in [0, 1]."""
    magnitude = np.abs(np.fft.fft2(luma * 255)) / np.sqrt(luma.size)
    return min(float((magnitude > STRONG).mean()) / SHARP_SHARE, 1.0)
