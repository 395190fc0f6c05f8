"""Plug a refinement into a network for the time of a run: W + strength * delta."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rapsr_core.refinement.artifact import Refinement


@contextmanager
def plugged_in(module: nn.Module, refinement: Refinement, strength: float) -> Iterator[None]:
    """Inside the block `module`'s weights are W + strength * delta; after it they are the very tensors they were.

    Keys that only a host has are not in a refinement, hence never touched. The caller holds the compute slot: the
    module is shared by all visitors. Strength 0 leaves every value as it was.
    """
    parameters = dict(module.named_parameters())
    replaced = {name: parameters[name].data for name in refinement.updates}
    try:
        for name, update in refinement.updates.items():
            weight = replaced[name]
            delta = update.delta().to(weight.device)
            # into the same strides: another memory format would choose other kernels and round differently
            parameters[name].data = torch.empty_like(weight).copy_(weight.float() + strength * delta)
        yield
    finally:
        for name, weight in replaced.items():
            parameters[name].data = weight
