from pathlib import Path

import pytest
import torch

from rapsr_core.images import resize, save_png


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of three smooth 520-px pictures."""
    folder = tmp_path_factory.mktemp("photos")
    for index, name in enumerate("abc"):
        small = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(index))
        save_png(resize(small, (520, 520)), folder / f"{name}.png")
    return folder
