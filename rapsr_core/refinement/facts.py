"""What a refinement's folder says of it: names of its files, `refinement.json`. Reads no weights, and imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rapsr_core import ASSETS
from rapsr_core.recipe import SHIPPED

FACTS = "refinement.json"
CARD = "README.md"
WEIGHTS = {
    "lora": "pytorch_lora_weights.safetensors",
    "full": "unet/diffusion_pytorch_model.safetensors",
    "delta": "delta.safetensors",
}
"""Format -> its weight file, tensors in fp16. `lora` and `full` are as diffusers writes and loads them (a UNet folder with its
config.json); `delta` has the names of the UNet's weights and leaves out those that do not change."""

_NEEDED = ("identifiers", "token_ids", "prior", "prior_fingerprint")


class RefinementError(ValueError):
    """A refinement cannot be used with this prior, or its folder is incomplete; the message says what differs."""


def refinement_folder(name_or_folder: str | Path) -> Path:
    """`embedded` is the shipped one; anything else is a folder."""
    return ASSETS / "refinement" if str(name_or_folder) == SHIPPED else Path(name_or_folder)


def read_facts(name_or_folder: str | Path) -> dict[str, Any]:
    """`refinement.json`; without a format it is "lora". Raises RefinementError when the folder is not a refinement."""
    folder = refinement_folder(name_or_folder)
    if not (folder / FACTS).is_file():
        raise RefinementError(f"{str(name_or_folder)!r} is not a refinement: {FACTS} not found in {folder}")
    try:
        facts = {"format": "lora"} | json.loads((folder / FACTS).read_text())
    except json.JSONDecodeError as error:
        raise RefinementError(f"{folder / FACTS} is not JSON: {error}") from error
    if absent := [key for key in _NEEDED if key not in facts]:
        raise RefinementError(f"{folder / FACTS} does not say: {', '.join(absent)}")
    if facts["format"] not in WEIGHTS:
        raise RefinementError(f"{folder / FACTS}: format is {facts['format']!r}; it must be one of {', '.join(WEIGHTS)}")
    if not (folder / WEIGHTS[facts["format"]]).is_file():
        raise RefinementError(f"{str(name_or_folder)!r} is incomplete: {WEIGHTS[facts['format']]} not found in {folder}")
    return facts
