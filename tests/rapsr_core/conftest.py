"""A photograph-like image; a machine without weights."""

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from rapsr_core.images import resize
from rapsr_core.weights import VARIABLE


@pytest.fixture(scope="session")
def photo() -> torch.Tensor:
    """(1, 3, 24, 32) smooth random colours in [0, 1]."""
    generator = torch.Generator().manual_seed(1)
    return resize(torch.rand(1, 3, 6, 8, generator=generator), (24, 32))


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No weights in the folder, none in the hub's cache, and no network."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "weights"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path
