"""A photograph-like image."""

import pytest
import torch

from rapsr_core.images import resize


@pytest.fixture(scope="session")
def photo() -> torch.Tensor:
    """(1, 3, 24, 32) smooth random colours in [0, 1]."""
    generator = torch.Generator().manual_seed(1)
    return resize(torch.rand(1, 3, 6, 8, generator=generator), (24, 32))
