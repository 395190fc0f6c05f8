"""A refinement as one folder: `pytorch_lora_weights.safetensors` (diffusers) and `refinement.json`.

`refinement.json` holds the identifiers, the token ids they had in training, the fingerprint of the prior, and how it was trained.
Loading checks the last two against the prior at hand and says what differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor

from rapsr_core import ASSETS
from rapsr_core.priors import Prior

WEIGHTS = "pytorch_lora_weights.safetensors"
FACTS = "refinement.json"


class RefinementError(ValueError):
    """A refinement cannot be used with this prior, or its folder is incomplete; the message says what differs."""


@dataclass(frozen=True)
class LowRank:
    """delta = scale * up @ down, for a linear layer, or for a convolution with `down` (r, in, k, k) and `up` (out, r, 1, 1)."""

    down: Tensor
    up: Tensor
    scale: float

    def delta(self) -> Tensor:
        """The full update, float32, in the shape of the layer's weight."""
        down, up = self.down.float(), self.up.float()
        product = up.flatten(1) @ down.flatten(1)
        return self.scale * product.view(up.shape[0], *down.shape[1:])


@dataclass(frozen=True)
class Refinement:
    """A loaded refinement; `updates` maps a module's weight name in the prior's UNet to its update."""

    name: str
    updates: Mapping[str, LowRank]
    positive_identifier: str
    negative_identifier: str
    facts: Mapping[str, Any]


def save_refinement(folder: Path, prior: Prior, identifiers: tuple[str, str], facts: Mapping[str, Any]) -> None:
    """Write the adapter that `prior.unet` carries (name "default"), with fp16 factors.

    Args:
        folder: made if missing; its two files are replaced.
        prior: the fingerprint stored is `prior.fingerprint`, taken before the adapter was added.
        identifiers: (positive, negative), for example ("[X]. ", "[V]. ").
        facts: anything JSON that tells how it was trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unet: UNet2DConditionModel = prior.unet
    layers = {k: v.detach().to(torch.float16).contiguous() for k, v in get_peft_model_state_dict(unet).items()}
    config = unet.peft_config["default"].to_dict()
    metadata = {k: sorted(v) if isinstance(v, set) else v for k, v in config.items()}
    StableDiffusionPipeline.save_lora_weights(
        folder, unet_lora_layers=layers, weight_name=WEIGHTS, unet_lora_adapter_metadata=metadata
    )
    stored = {
        "identifiers": {"positive": identifiers[0], "negative": identifiers[1]},
        "token_ids": {text: token_ids(prior, text) for text in identifiers},
        "prior": prior.name,
        "prior_fingerprint": prior.fingerprint,
        "lora": {"rank": config["r"], "alpha": config["lora_alpha"]},
        **facts,
    }
    (folder / FACTS).write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n")


def token_ids(prior: Prior, text: str) -> list[int]:
    """Token ids of a text without the begin and end marks."""
    return prior.tokenizer(text, add_special_tokens=False).input_ids


def refinement_folder(name_or_folder: str | Path) -> Path:
    """`embedded` is the shipped one; anything else is a folder. Raises RefinementError when it is not a refinement."""
    folder = ASSETS / "refinement" if str(name_or_folder) == "embedded" else Path(name_or_folder)
    missing = [name for name in (WEIGHTS, FACTS) if not (folder / name).is_file()]
    if missing:
        raise RefinementError(f"{str(name_or_folder)!r} is not a refinement: {' and '.join(missing)} not found in {folder}")
    return folder


def load_refinement(name_or_folder: str | Path, prior: Prior) -> Refinement:
    """Load and check against `prior`. Raises RefinementError on another fingerprint, other token ids or unknown layers."""
    folder = refinement_folder(name_or_folder)
    facts = json.loads((folder / FACTS).read_text())
    if facts["prior_fingerprint"] != prior.fingerprint:
        raise RefinementError(
            f"refinement {name_or_folder!s} was trained on the prior with fingerprint {facts['prior_fingerprint']}, "
            f"this one ({prior.name}) is {prior.fingerprint}; train it again with `python -m train.refine`"
        )
    for text, expected in facts["token_ids"].items():
        if token_ids(prior, text) != expected:
            raise RefinementError(
                f"identifier {text!r} was trained as tokens {expected}, this tokenizer gives {token_ids(prior, text)}"
            )
    updates = _updates(load_file(folder / WEIGHTS), facts["lora"]["alpha"] / facts["lora"]["rank"])
    known = {name for name, _ in prior.unet.named_parameters()}
    if unknown := sorted(set(updates) - known):
        raise RefinementError(f"refinement {name_or_folder!s} updates layers the prior does not have: {', '.join(unknown[:3])}")
    identifiers = facts["identifiers"]
    return Refinement(str(name_or_folder), updates, identifiers["positive"], identifiers["negative"], facts)


def _updates(tensors: dict[str, Tensor], scale: float) -> dict[str, LowRank]:
    down = {k.removeprefix("unet.").removesuffix(".lora_A.weight"): v for k, v in tensors.items() if ".lora_A." in k}
    up = {k.removeprefix("unet.").removesuffix(".lora_B.weight"): v for k, v in tensors.items() if ".lora_B." in k}
    return {f"{name}.weight": LowRank(down[name], up[name], scale) for name in down}
