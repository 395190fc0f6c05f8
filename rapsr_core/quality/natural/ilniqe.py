"""IL-NIQE: Zhang, Zhang and Bovik, "A feature-enriched completely blind image quality evaluator", IEEE TIP 2015.

The constants are those of the authors' MATLAB release. As pyiqa, unlike the release: variances with n - 1, and 1e-8 under the roots of
gradient magnitudes.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.io import loadmat

from rapsr_core.quality.natural.aggd import fit_aggd, local_features, split
from rapsr_core.quality.natural.features import Features, NaturalError, normalise_valid
from rapsr_core.quality.natural.filters import correlate_valid, gaussian, resize
from rapsr_core.quality.natural.gaussian_model import Matrix, mahalanobis, mean_and_covariance
from rapsr_core.quality.natural.log_gabor import Derivative, log_gabor_bank
from rapsr_core.quality.natural.weibull import fit_weibull
from rapsr_core.quality.table import METRICS, PARAMETERS

SIDE_PX, BLOCK_PX = 524, 84
OPPONENT = np.array([[0.3, 0.04, -0.35], [0.34, -0.6, 0.17], [0.06, 0.63, 0.27]])
"""RGB -> O1, O2, O3 (equation 9; Geusebroek 2001); O3 is the luminance."""
DERIVATIVE_SIGMA, DERIVATIVE_SHRINK = 1.66, 0.28
SHORTEST_PX, SHORTEST_SHRINK = 2.4, 0.87
TAPS, SIGMA = 5, 5 / 6
HALVING_TAPS, HALVING_SIGMA = 6, 0.9
LOG_OFFSET, ROOT_OFFSET, CEILING = 1e-5, 1e-8, 1e4

Planes = NDArray[np.float64]


@functools.cache
def _model() -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Mean (1, 430) and covariance (430, 430) of pristine photographs; mean (468, 1) and axes (468, 430) of the PCA."""
    cells = loadmat(PARAMETERS / str(METRICS["ilniqe"].parameters))["templateModel"][0]
    return cells[0], cells[1], cells[2], cells[3]


def ilniqe(features: Features) -> float:
    """Mean distance of the image's 36 blocks from the model of pristine ones; lower is better. The image is resized to 524 x 524 px.

    Raises NaturalError for flat images.
    """
    features.refuse_flat("IL-NIQE")
    rgb = _normal_size(features)
    opponent = np.einsum("oc,chw->ohw", OPPONENT, rgb)
    scales = [_features(opponent, rgb, 1)]
    scales.append(_features(_halved(opponent), _halved(rgb), 2))
    mean, covariance, sample_mean, axes = _model()
    samples = np.einsum("bf,fp->bp", np.minimum(np.concatenate(scales, 1), CEILING) - sample_mean.T, axes)
    try:
        own_mean, own_covariance = mean_and_covariance(samples)
        differences = np.where(np.isnan(samples), own_mean, samples) - mean
        return float(mahalanobis((covariance + own_covariance) / 2, differences).mean())
    except np.linalg.LinAlgError as error:
        raise NaturalError(f"IL-NIQE is undefined here: {error}") from error


def _normal_size(features: Features) -> Planes:
    """(3, 504, 504) in [0, 255]: rounded to 8 bits, resized, cut to whole blocks; not rounded again, as pyiqa."""
    scale = (SIDE_PX / features.height, SIDE_PX / features.width)
    kept = SIDE_PX // BLOCK_PX * BLOCK_PX
    planes = [
        resize(np.round(plane * np.float32(255)).astype(np.float64), (SIDE_PX, SIDE_PX), scale)[:kept, :kept]
        for plane in features.rgb
    ]
    return np.clip(np.stack(planes), 0, 255)


def _halved(planes: Planes) -> Planes:
    """Gaussian of 6 taps, then every second pixel; MATLAB's imfilter puts the middle of an even window at its third tap."""
    window = gaussian(HALVING_TAPS, HALVING_SIGMA)
    return np.stack([correlate_valid(np.pad(plane, (2, 3), "edge"), window)[::2, ::2] for plane in planes])


def _features(opponent: Planes, rgb: Planes, scale: int) -> Matrix:
    """The 234 features of one scale: (36, 234)."""
    side, block = opponent.shape[-1], BLOCK_PX // scale
    derivative = Derivative(side, DERIVATIVE_SIGMA / scale**DERIVATIVE_SHRINK)
    bank = log_gabor_bank(side, SHORTEST_PX / scale**SHORTEST_SHRINK)
    columns = [local_features(split(_structure(opponent[2]), block))]
    edges, slopes = _opponent_gradients(opponent, derivative, block)
    columns += [edges, _colours(rgb, block), slopes]
    responses, partials, magnitudes = [], [], []
    spectrum = fft.fft2(opponent[2].astype(np.float32), workers=1)
    for transfer in bank:
        band = spectrum * transfer
        response = fft.ifft2(band, workers=1)
        along_x, along_y = (_parts(plane, block) for plane in derivative.of(response, band))
        responses += [_bell(part) for part in _parts(response, block)]
        partials += [_bell(part) for pair in zip(along_x, along_y, strict=True) for part in pair]
        magnitudes += [_magnitude(x, y) for x, y in zip(along_x, along_y, strict=True)]
    return np.concatenate([*columns, *responses, *partials, *magnitudes], 1)


def _structure(luminance: Planes) -> Planes:
    """Normalised luminance (section III-A), with a window of its own."""
    return normalise_valid(np.pad(luminance, TAPS // 2, "edge"), gaussian(TAPS, SIGMA))


def _opponent_gradients(opponent: Planes, derivative: Derivative, block: int) -> tuple[Matrix, Matrix]:
    """Weibull fits of the gradient magnitudes of O1, O2, O3 (36, 6), and AGGD fits of their derivatives (36, 12) (sections III-B, III-D)."""
    edges, slopes = [], []
    for plane in opponent.astype(np.float32):
        along_x, along_y = (_parts(d, block)[0] for d in derivative.of(plane, fft.fft2(plane, workers=1)))
        edges.append(_magnitude(along_x, along_y))
        slopes += [_bell(along_x), _bell(along_y)]
    return np.concatenate(edges, 1), np.concatenate(slopes, 1)


def _colours(rgb: Planes, block: int) -> Matrix:
    """Mean and variance of the log opponent colours (section III-E; Ruderman 1998): (36, 6)."""
    logs = np.log(rgb + LOG_OFFSET)
    red, green, blue = logs - logs.mean((1, 2), keepdims=True)
    planes = ((red + green + blue) / math.sqrt(3), (red + green - 2 * blue) / math.sqrt(6), (red - green) / math.sqrt(2))
    columns = []
    for blocks in (split(plane, block) for plane in planes):
        columns += [blocks.mean((1, 2)), blocks.var((1, 2), ddof=1)]
    return np.stack(columns, 1)


def _parts(plane: NDArray[np.complex64], block: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Real and imaginary part as blocks, each (36, block^2) contiguous."""
    real, imaginary = (split(part, block).reshape(-1, block * block) for part in (plane.real, plane.imag))
    return real, imaginary


def _bell(blocks: NDArray[np.float32]) -> Matrix:
    fit = fit_aggd(blocks)
    return np.stack([fit.shape, sum(fit.scales) / 2], 1)


def _magnitude(along_x: NDArray[np.float32], along_y: NDArray[np.float32]) -> Matrix:
    """Weibull scale and shape of sqrt(x^2 + y^2): its logarithm is half that of the square."""
    square = along_x * along_x
    square += along_y * along_y
    square += np.float32(ROOT_OFFSET)
    return np.stack(fit_weibull(np.log(square, out=square) / 2), 1)
