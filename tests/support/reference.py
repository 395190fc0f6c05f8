"""The fixtures in tests/reference."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

REFERENCE = Path(__file__).parents[1] / "reference"


def facts(name: str) -> dict[str, Any]:
    """What a fixture says of itself."""
    return json.loads((REFERENCE / f"{name}.json").read_text())


def tensors(name: str, kind: str) -> dict[str, torch.Tensor]:
    """The "weights", "inputs" or "outputs" of a fixture, all its files together, without that word."""
    everything = {key: tensor for file in facts(name)["files"] for key, tensor in load_file(REFERENCE / file).items()}
    return {key.removeprefix(f"{kind}/"): tensor for key, tensor in everything.items() if key.startswith(f"{kind}/")}


def key_list(name: str) -> dict[str, Any]:
    """A list of names and shapes, `keys/NAME.json`."""
    return facts(f"keys/{name}")


def on_meta(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """Weights of these shapes that take no memory."""
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
