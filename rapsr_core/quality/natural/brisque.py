"""BRISQUE: Mittal, Moorthy and Bovik, "No-reference image quality assessment in the spatial domain", IEEE TIP 2012."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln

from rapsr_core.quality.natural.aggd import fit_aggd, fit_ggd, neighbour_products
from rapsr_core.quality.natural.features import Features, NaturalError
from rapsr_core.quality.natural.filters import Plane
from rapsr_core.quality.table import METRICS, PARAMETERS

GAMMA, RHO = 0.05, -153.591
"""`gamma` and `rho` of the release's libsvm file `allmodel`."""

RANGES = (
    (0.338, 10), (0.017204, 0.806612), (0.236, 1.642), (-0.123884, 0.20293), (0.000155, 0.712298), (0.001122, 0.470257),
    (0.244, 1.641), (-0.123586, 0.179083), (0.000152, 0.710456), (0.000975, 0.470984), (0.249, 1.555), (-0.135687, 0.100858),
    (0.000174, 0.684173), (0.000913, 0.534174), (0.258, 1.561), (-0.143408, 0.100486), (0.000179, 0.685696), (0.000888, 0.536508),
    (0.471, 3.264), (0.012809, 0.703171), (0.218, 1.046), (-0.094876, 0.187459), (1.5e-5, 0.442057), (0.001272, 0.40803),
    (0.222, 1.042), (-0.115772, 0.162604), (1.6e-5, 0.444362), (0.001374, 0.40243), (0.227, 0.996), (-0.117188, 0.098323),
    (3e-5, 0.531903), (0.001122, 0.369589), (0.228, 0.99), (-0.12243, 0.098658), (2.8e-5, 0.530092), (0.001118, 0.370399),
)  # fmt: skip
"""The release's `allrange`: feature ranges that svm-scale maps to [-1, 1]."""


@functools.cache
def _machine() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (774,) and support vectors (774, 36)."""
    coefficients, vectors = torch.load(PARAMETERS / str(METRICS["brisque"].parameters), weights_only=True)
    return coefficients.double().numpy().ravel(), vectors.double().numpy()


def brisque(features: Features) -> float:
    """Predicted difference opinion score, about 0 to 100; lower is better.

    As pyiqa, unlike the release: zeros outside the image, and products wrap round its borders.
    Raises NaturalError under 14 px a side (the window at half size), and for flat images.
    """
    if min(features.height, features.width) < 14:
        raise NaturalError(f"BRISQUE needs at least 14 px a side; this image is {features.width} x {features.height}")
    features.refuse_flat("BRISQUE")
    scales = (features.full, features.half)
    found = np.concatenate([_features(scale.single(scale.plane, "constant")) for scale in scales])
    low, high = np.array(RANGES).T
    scaled = 2 * (found - low) / (high - low) - 1
    coefficients, vectors = _machine()
    apart = vectors - scaled
    return float((coefficients * np.exp(-GAMMA * np.einsum("ij,ij->i", apart, apart))).sum() - RHO)


def _features(plane: Plane) -> NDArray[np.float64]:
    """The 18 features of one scale (table I)."""
    shape, deviation = fit_ggd(plane.ravel())
    columns = [shape, deviation**2]
    for product in neighbour_products(plane[None]):
        fit = fit_aggd(product)
        a = fit.shape
        mean = (fit.right - fit.left) * np.exp(gammaln(2 / a) - (gammaln(1 / a) + gammaln(3 / a)) / 2)
        columns += [a[0], mean[0], fit.left[0] ** 2, fit.right[0] ** 2]
    return np.array(columns)
