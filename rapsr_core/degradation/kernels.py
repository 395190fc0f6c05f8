"""Blur kernels of the second-order degradation, float64, each normalised to sum 1.

Sources: Wang et al., "Real-ESRGAN", ICCVW 2021, section 3.2 (Gaussian, generalised Gaussian, plateau) and 3.4 (sinc, eq. 6); the
generalised forms are from Liu et al., "Estimating generalized Gaussian blur kernels", IEEE TIP 2020.
Coordinates are pixels from the centre, x to the right and y down.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import j1

Family = Literal["gaussian", "generalized", "plateau"]
MAX_SIZE_PX = 21


def covariance(sigma_x: float, sigma_y: float, theta: float) -> np.ndarray:
    """2x2 covariance R diag(sigma_x^2, sigma_y^2) R^T of a Gaussian whose long axis is turned by theta (radians)."""
    cos, sin = np.cos(theta), np.sin(theta)
    rotation = np.array([[cos, -sin], [sin, cos]])
    return rotation @ np.diag([sigma_x**2, sigma_y**2]) @ rotation.T


def blur_kernel(family: Family, size: int, sigma_x: float, sigma_y: float, theta: float = 0.0, beta: float = 1.0) -> np.ndarray:
    """(size, size) kernel with d(p) = p^T Sigma^-1 p:

    gaussian: exp(-d / 2); generalized: exp(-d^beta / 2); plateau: 1 / (1 + d^beta).
    Isotropic kernels have sigma_y = sigma_x and theta 0.
    """
    axis = np.arange(size, dtype=np.float64) - size // 2
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    inverse = np.linalg.inv(covariance(sigma_x, sigma_y, theta))
    distance = np.einsum("...i,ij,...j->...", points, inverse, points)
    if family == "gaussian":
        kernel = np.exp(-0.5 * distance)
    elif family == "generalized":
        kernel = np.exp(-0.5 * distance**beta)
    else:
        kernel = 1 / (1 + distance**beta)
    return kernel / kernel.sum()


def sinc_kernel(size: int, cutoff: float) -> np.ndarray:
    """(size, size) circular low pass with the cut-off in radians per pixel: w J1(w r) / (2 pi r), w^2 / (4 pi) at r = 0."""
    axis = np.arange(size, dtype=np.float64) - (size - 1) / 2
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    centre = radius == 0
    radius[centre] = 1
    kernel = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[centre] = cutoff**2 / (4 * np.pi)
    return kernel / kernel.sum()


def pad_kernel(kernel: np.ndarray, size: int = MAX_SIZE_PX) -> np.ndarray:
    """Zero-pad an odd square kernel to (size, size), centred."""
    margin = (size - kernel.shape[0]) // 2
    return np.pad(kernel, margin)
