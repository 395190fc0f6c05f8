"""A tiny real comparer: the embedded prior's own classes with random weights, and a random refinement of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rapsr_core.comparison import Comparer


@pytest.fixture(scope="session")
def comparer(assets: Path) -> Comparer:
    return Comparer(assets=assets)


@pytest.fixture(autouse=True)
def gradio_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of a test go to its own folder."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A 32 x 24 photograph-like PNG: NIQE needs 96 px a side after x4."""
    path = tmp_path / "a photo.png"
    Image.effect_noise((32, 24), 60).convert("RGB").save(path)
    return path
