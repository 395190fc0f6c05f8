"""A tiny prior of the real classes with random weights, and its refinement; how two processes share the tests."""

import gc
import os
from pathlib import Path
from typing import Any

from rapsr_core.lasting import GLIBC_TUNABLES, lasting

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: the processes of a run have a core each
os.environ.setdefault("GLIBC_TUNABLES", GLIBC_TUNABLES)  # for the processes of a run: they are started from here
with lasting():
    import pytest
    import torch
    from xdist.scheduler import LoadScopeScheduling

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


def pytest_collection_finish() -> None:
    """All test modules are imported: they are not looked through again (rapsr_core/lasting.py)."""
    gc.freeze()


SERVED = ("tests/browser", "tests/api")


class Together(LoadScopeScheduling):
    """A file's tests stay in one process, for they share fixtures; all right in a folder of SERVED in one, for they share the server."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return folder if folder in SERVED else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)
