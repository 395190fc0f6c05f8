"""A tiny prior of the real classes with random weights, and its refinement; how two processes share the tests."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: the processes of a run have a core each

import pytest
import torch

from rapsr_core.priors import load_prior
from rapsr_core.priors.embedded import TINY, build_codec, build_text_encoder, build_unet, save_embedded
from rapsr_core.refinement import save_refinement
from rapsr_core.refinement.methods import lora_config


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assets folder with a tiny prior and a refinement that changes every layer it may."""
    folder = tmp_path_factory.mktemp("assets")
    torch.manual_seed(0)
    save_embedded(folder / "prior", build_unet(TINY), build_text_encoder(TINY), build_codec(TINY))
    prior = load_prior(folder / "prior")
    prior.unet.add_adapter(lora_config(4))
    for name, parameter in prior.unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    save_refinement(folder / "refinement", prior, ("[X]. ", "[V]. "), {"steps": 0})
    return folder


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay in one process, for they share fixtures; all that drive the page in one, for they share the server."""
    for item in items:
        group = "browser" if item.get_closest_marker("browser") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
