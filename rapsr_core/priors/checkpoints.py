"""Official checkpoint files, and weights put into a network: each used once, none left out, none of another shape."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rapsr_core.weights import shown

Network = TypeVar("Network", bound=nn.Module)

FOLDER_FILES = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
"""Weights of a diffusers folder, beside its config.json; the first one present is read."""


class CheckpointError(ValueError):
    """A checkpoint that does not fit the network it is for, or that holds more than weights."""


def read_weights(source: Path | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Tensors of a .safetensors, .bin, .pth or .ckpt file by their own names, on the CPU, as stored; a mapping is given back.

    Anything but .safetensors is `unpickled`; a training checkpoint's `state_dict` is taken. Raises CheckpointError, too, when there
    are no named tensors.
    """
    if isinstance(source, Mapping):
        return source
    if source.suffix == ".safetensors":
        return load_file(source)
    stored = unpickled(source)
    named = stored.get("state_dict", stored) if isinstance(stored, dict) else {}
    if not named or not all(isinstance(value, Tensor) for value in named.values()):
        raise CheckpointError(f"{shown(source)} has no named tensors: it must hold a state dict")
    return named


def unpickled(source: Path) -> Any:
    """What torch.save wrote: tensors, numbers, strings and containers of them, on the CPU; no code in the file can run.

    Raises CheckpointError when the file has other objects in it.
    """
    try:
        return torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
    except pickle.UnpicklingError as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{shown(source)} holds more than weights; convert it to .safetensors if you trust it ({reason})"
        ) from error


def read_folder(folder: Path) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    """Configuration and weights of a diffusers model folder. Raises CheckpointError when one of them is not there."""
    present = [folder / name for name in FOLDER_FILES if (folder / name).is_file()]
    if not present or not (folder / "config.json").is_file():
        raise CheckpointError(f"{shown(folder)} is not a model folder: it must hold config.json and {' or '.join(FOLDER_FILES)}")
    return json.loads((folder / "config.json").read_text()), read_weights(present[0])


def below(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """What of the weights is named under `prefix`, without it; all of them where nothing is (a file of that network alone)."""
    found = {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
    return found or dict(weights)


def fill(network: Network, weights: Mapping[str, Tensor], *, device: str | torch.device, dtype: torch.dtype) -> Network:
    """The same network, built on the meta device, with these weights: frozen, in evaluation mode, on the device in the type.

    A weight already there in that type is not copied. Raises CheckpointError when names or shapes differ.
    """
    ours, theirs = ({name: tuple(tensor.shape) for name, tensor in named.items()} for named in (network.state_dict(), weights))
    shared = ours.keys() & theirs.keys()
    faults = {
        "missing": ours.keys() - theirs.keys(),
        "unexpected": theirs.keys() - ours.keys(),
        "of another shape": {f"{name} {theirs[name]}, not {ours[name]}" for name in shared if ours[name] != theirs[name]},
    }
    if any(faults.values()):
        said = "; ".join(f"{len(names)} {fault}: {_listed(names)}" for fault, names in faults.items() if names)
        raise CheckpointError(f"these are not the weights of this {type(network).__name__}: {said}")
    network.load_state_dict({name: tensor.to(device, dtype) for name, tensor in weights.items()}, assign=True)
    return network.eval().requires_grad_(False)


def _listed(names: Iterable[str], limit: int = 3) -> str:
    names = sorted(names)
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
