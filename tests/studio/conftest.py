"""A tiny real comparer: the embedded prior's own classes with random weights, and a random refinement of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from rapsr_core.comparison import Comparer
from rapsr_core.priors import load_prior
from rapsr_core.priors.embedded import TINY, build_codec, build_text_encoder, build_unet, save_embedded
from rapsr_core.refinement import save_refinement
from rapsr_core.refinement.task import lora_config

IDENTIFIERS = ("[X]. ", "[V]. ")


@pytest.fixture(scope="session")
def comparer(tmp_path_factory: pytest.TempPathFactory) -> Comparer:
    assets = tmp_path_factory.mktemp("assets")
    torch.manual_seed(0)
    save_embedded(assets / "prior", build_unet(TINY), build_text_encoder(TINY), build_codec(TINY))
    prior = load_prior(assets / "prior")
    prior.unet.add_adapter(lora_config(2))
    for name, parameter in prior.unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    save_refinement(assets / "refinement", prior, IDENTIFIERS, {})
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
