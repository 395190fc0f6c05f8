"""The studio over the tiny prior in a process of its own, and real clients of its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image
from studio_process import TINY, Studio, studio

from rapsr_core.comparison import Comparer


@pytest.fixture(scope="session")
def tiny(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("studio"), {"GRADIO_MCP_SERVER": "True"}, (TINY, str(assets))) as found:
        yield found


@pytest.fixture(scope="session")
def client(tiny: Studio, tmp_path_factory: pytest.TempPathFactory) -> Client:
    made = Client(tiny.url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")), httpx_kwargs={"timeout": 60})
    made.predict(api_name="/metrics")  # waits for torch
    return made


@pytest.fixture(scope="session")
def comparer(assets: Path) -> Comparer:
    """The same weights in this process."""
    return Comparer(assets=assets)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 32 x 24 photograph-like PNG: NIQE needs 96 px a side after x4."""
    path = tmp_path_factory.mktemp("photo") / "a photo.png"
    Image.effect_noise((32, 24), 60).convert("RGB").save(path)
    return path
