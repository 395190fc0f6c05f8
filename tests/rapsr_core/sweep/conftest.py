"""A comparer of a tiny prior, and pictures of a sweep."""

from pathlib import Path

import pytest
import torch

from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.recipe import Recipe


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The cheapest comparison there is."""
    return Recipe(cleaner="none", steps=1, caption="a photo of a cat", colour_fix="none")


@pytest.fixture
def comparer(assets: Path) -> Comparer:
    """One that has measured nothing and loaded nothing."""
    return Comparer(assets, Device(torch.device("cpu"), torch.float32, "test"))


@pytest.fixture(scope="package")
def loaded(assets: Path) -> Comparer:
    """One that all share; it may keep baselines of theirs."""
    return Comparer(assets, Device(torch.device("cpu"), torch.float32, "test"))


@pytest.fixture(scope="session")
def tiny() -> torch.Tensor:
    """(1, 3, 16, 16) smooth random colours in [0, 1]."""
    small = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    return torch.nn.functional.interpolate(small, size=(16, 16), mode="bilinear")
