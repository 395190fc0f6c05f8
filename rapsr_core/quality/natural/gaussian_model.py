"""Distances under a multivariate Gaussian model, without LAPACK: its last bits depend on the number of BLAS threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def mahalanobis(covariance: Matrix, differences: Matrix) -> NDArray[np.float64]:
    """sqrt(d C^-1 d') of each row d of (M, N) for a positive definite C (N, N): (M,).

    Cholesky factor of C, column by column (Golub and Van Loan, 4.2.5), with the differences as further rows: those become
    d L^-T, whose length is the distance. Raises np.linalg.LinAlgError when C is not positive definite.
    """
    size = len(covariance)
    rows = np.concatenate([covariance, differences])
    factor = np.zeros_like(rows)
    for j in range(size):
        column = rows[j:, j] - np.einsum("ij,j->i", factor[j:, :j], factor[j, :j])
        if not column[0] > 0:
            raise np.linalg.LinAlgError(f"the covariance is not positive definite (pivot {j} is {column[0]})")
        factor[j:, j] = column / np.sqrt(column[0])
    below = factor[size:]
    return np.sqrt(np.einsum("ij,ij->i", below, below))


def mean_and_covariance(samples: Matrix) -> tuple[NDArray[np.float64], Matrix]:
    """MATLAB's nanmean and nancov of (M, N): a column's mean without its NaN, the covariance of rows without any NaN.

    With one such row the covariance is 0. Raises np.linalg.LinAlgError with none.
    """
    whole = samples[~np.isnan(samples).any(1)]
    if not len(whole):
        raise np.linalg.LinAlgError("every block is flat")
    centred = whole - whole.mean(0)
    return np.nanmean(samples, 0), np.einsum("mi,mj->ij", centred, centred) / max(len(whole) - 1, 1)
