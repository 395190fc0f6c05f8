"""Reference fixtures: tensors by their part of the file, and SeeSR's two networks of random weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from rapsr_core.hosts.networks.seesr import SeeSRNetworks, load_seesr_controlnet, load_seesr_unet

REFERENCE = Path(__file__).parents[3] / "reference"


def fixture_facts(name: str) -> dict[str, Any]:
    return json.loads((REFERENCE / f"{name}.json").read_text())


def fixture_part(name: str, part: str) -> dict[str, Tensor]:
    """Tensors of `inputs`, `outputs` or `weights`, without that prefix."""
    tensors = load_file(REFERENCE / f"{name}.safetensors")
    return {key.removeprefix(f"{part}/"): tensor for key, tensor in tensors.items() if key.startswith(f"{part}/")}


@pytest.fixture(scope="session")
def facts_of() -> Callable[[str], dict[str, Any]]:
    """Facts of a fixture, or of a key list ("keys/...")."""
    return fixture_facts


@pytest.fixture(scope="session")
def part_of() -> Callable[[str, str], dict[str, Tensor]]:
    return fixture_part


@pytest.fixture(scope="session")
def config_of() -> Callable[[str], dict[str, Any]]:
    """Configuration of a fixture's network; what is not in it is the class default."""
    return lambda name: {key: value for key, value in fixture_facts(name)["config"].items() if key != "other"}


@pytest.fixture
def networks(config_of: Callable[[str], dict[str, Any]]) -> SeeSRNetworks:
    """Both of the fixtures."""
    unet, controlnet = "seesr_unet_a", "seesr_controlnet_a"
    return SeeSRNetworks(
        load_seesr_unet(fixture_part(unet, "weights"), config_of(unet)),
        load_seesr_controlnet(fixture_part(controlnet, "weights"), config_of(controlnet)),
    )
