"""NIQE: Mittal, Soundararajan and Bovik, "Making a completely blind image quality analyzer", IEEE SPL 2013."""

from __future__ import annotations

import functools

import numpy as np
from scipy.io import loadmat

from rapsr_core.quality.natural.aggd import local_features, split
from rapsr_core.quality.natural.features import Features, NaturalError
from rapsr_core.quality.natural.gaussian_model import Matrix, mahalanobis, mean_and_covariance
from rapsr_core.quality.table import METRICS, PARAMETERS

BLOCK_PX = 96


@functools.cache
def _pristine() -> tuple[Matrix, Matrix]:
    """Mean (1, 36) and covariance (36, 36) of pristine photographs."""
    model = loadmat(PARAMETERS / str(METRICS["niqe"].parameters))
    return model["mu_prisparam"], model["cov_prisparam"]


def niqe(features: Features) -> float:
    """Distance of the image's 96-px blocks, at two scales, from pristine ones (equation 10); lower is better.

    As pyiqa and the release: the luma is cut to whole blocks first, and every block counts (the paper keeps the sharp ones).
    Raises NaturalError under 96 px a side, or when every block is flat.
    """
    height, width = (n // BLOCK_PX * BLOCK_PX for n in (features.height, features.width))
    if not height or not width:
        raise NaturalError(f"NIQE needs at least {BLOCK_PX} px a side; this image is {features.width} x {features.height}")
    full = features.full.double(features.full.plane[:height, :width], "edge")
    half = features.half.double(features.half_of_cut(height, width), "edge", changed=2)
    blocks = np.concatenate([local_features(split(full, BLOCK_PX)), local_features(split(half, BLOCK_PX // 2))], 1)
    mean, covariance = _pristine()
    try:
        own_mean, own_covariance = mean_and_covariance(blocks)
        return float(mahalanobis((covariance + own_covariance) / 2, mean - own_mean)[0])
    except np.linalg.LinAlgError as error:
        raise NaturalError(f"NIQE is undefined here: {error}") from error
