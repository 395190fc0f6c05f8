"""The embedded host with an appetite: for a tile beyond LARGEST_SITES sites it asks torch for more memory than any machine has."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.embedded import EmbeddedHost
from rapsr_core.priors import Prior
from rapsr_core.priors.text import Text
from rapsr_core.sampling.contract import Condition

LARGEST_SITES = 20 * 20


class HungryHost(EmbeddedHost):
    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        if z.shape[-2] * z.shape[-1] > LARGEST_SITES:
            torch.empty(2**47, dtype=torch.uint8)
        return super().predict(z, t, text, condition)


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> HungryHost:
    return HungryHost(prior, device)
