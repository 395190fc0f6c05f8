"""Plug a refinement into a network for the time of a run: every weight W it knows becomes `update.applied(W, strength)`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rapsr_core.refinement.artifact import Refinement, RefinementError, listed


@contextmanager
def plugged_in(module: nn.Module, refinement: Refinement, strength: float) -> Iterator[None]:
    """Inside the block `module` has the refined weights; after it they are the very tensors they were.

    Keys that only a host has (SeeSR's `image_attentions`) are not in a refinement, hence never touched. The caller holds the
    compute slot: the module is shared by all visitors. Strength 0 leaves every tensor as it was. Raises RefinementError, with
    nothing changed, when the module lacks a weight that the refinement changes.
    """
    parameters = dict(module.named_parameters())
    if lacking := [name for name in refinement.updates if name not in parameters]:
        raise RefinementError(
            f"refinement {refinement.name} changes {len(lacking)} of {len(refinement.updates)} weights that this "
            f"{type(module).__name__} does not have: {listed(lacking)}; plug it into a UNet of prior {refinement.facts['prior']}"
        )
    replaced = {name: parameters[name].data for name in refinement.updates}
    try:
        for name, update in refinement.updates.items():
            weight = replaced[name]
            refined = update.applied(weight, strength)
            if (
                refined is not weight
            ):  # a mere copy may lie otherwise in memory (a .safetensors file's does), and round differently
                # into the same strides: another memory format would choose other kernels and round differently
                parameters[name].data = torch.empty_like(weight).copy_(refined)
        yield
    finally:
        for name, weight in replaced.items():
            parameters[name].data = weight
