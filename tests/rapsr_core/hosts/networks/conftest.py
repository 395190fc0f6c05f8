"""Reference fixtures: tensors by their part of the file, and SeeSR's two networks of random weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

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
