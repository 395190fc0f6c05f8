"""Make a refinement of somebody else's UNet: the official RAP-SR weights (`checkpoint-4000/unet`, `rap-sr-unet`).

The official code trains all of the UNet of Stable Diffusion 2.1-base and saves it as a plain diffusers folder, config.json and
diffusion_pytorch_model.safetensors or .bin, which says neither what it started from nor how its tokenizer cut the identifiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel

from rapsr_core.priors import Prior
from rapsr_core.refinement.artifact import RefinementError, describe, listed, save_delta, save_full
from rapsr_core.refinement.identifiers import SPLIT

OFFICIAL_IDENTIFIERS = ("[X]. ", "[V]. ")

_WEIGHT_FILES = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
"""The first one present is read; diffusers unpickles the other as weights only, so no code in it can run."""


def import_unet(
    source: Path,
    prior: Prior,
    folder: Path,
    facts: Mapping[str, Any],
    *,
    format_name: str,
    identifier_tokens: str = SPLIT,
    identifiers: tuple[str, str] = OFFICIAL_IDENTIFIERS,
) -> None:
    """Write the refinement folder of a UNet trained from `prior`.

    Args:
        source: the UNet folder, or a checkpoint folder with `unet/` in it.
        format_name: "full" keeps the weights, "delta" their differences to the prior's (which should then be loaded in fp32).
        identifier_tokens: one of `identifiers.FORMS`, how training cut the identifiers. Probably "split" for the official weights.
        facts: go into `refinement.json`, beside where the weights came from.
    """
    unet = read_unet(source, prior)
    facts = {"imported_from": source.name, "identifier_tokens": identifier_tokens, **facts}
    if format_name == "full":
        save_full(folder, replace(prior, unet=unet), identifiers, facts, form=identifier_tokens)
        return
    old = prior.unet.state_dict()
    differences = ((name, new.to(old[name].device) - old[name].float()) for name, new in unet.state_dict().items())
    save_delta(folder, differences, describe("delta", prior, identifiers, None, identifier_tokens) | facts)


def read_unet(source: Path, prior: Prior) -> UNet2DConditionModel:
    """UNet of a folder in float32. Raises RefinementError unless it has the weights of `prior`'s, name by name and shape by shape."""
    folder = source / "unet" if (source / "unet" / "config.json").is_file() else source
    present = [name for name in _WEIGHT_FILES if (folder / name).is_file()]
    if not present or not (folder / "config.json").is_file():
        raise RefinementError(
            f"{folder} is not a diffusers UNet folder: it must hold config.json and {' or '.join(_WEIGHT_FILES)}"
        )
    safetensors = _WEIGHT_FILES[0] in present
    unet, report = UNet2DConditionModel.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=safetensors, output_loading_info=True
    )
    if report["missing_keys"]:
        raise RefinementError(f"{folder} is incomplete: weights {listed(report['missing_keys'])} are not in its file")
    ours, theirs = ({name: tuple(w.shape) for name, w in module.state_dict().items()} for module in (prior.unet, unet))
    if differing := sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)):
        name = differing[0]
        raise RefinementError(
            f"{folder} is not a UNet of prior {prior.name}: {len(differing)} weights differ in name or shape, "
            f"{name} is {theirs.get(name, 'absent')} there and {ours.get(name, 'absent')} here"
        )
    return unet
