"""Running a host as its users do, and as its official loop did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rapsr_core.comparison import Comparer, ComparisonResult
from rapsr_core.device import Device
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.priors import PRIORS, load_prior
from rapsr_core.recipe import EnhancedText, Recipe
from rapsr_core.refinement import save_refinement
from rapsr_core.refinement.methods import lora_config
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.weights import VARIABLE

FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


@dataclass(frozen=True)
class Given(ImageNoise):
    """Fields of a fixture in place of drawn ones, by name; `asked` collects the names, in order."""

    fields: Mapping[str, Tensor]
    asked: list[str] = field(default_factory=list)

    def draw(self, name: str, shape: tuple[int, ...]) -> Tensor:
        self.asked.append(name)
        assert self.fields[name].shape == shape
        return self.fields[name]


def relative(ours: Tensor, theirs: Tensor) -> float:
    """Relative L2 distance."""
    return ((ours - theirs).norm() / theirs.norm()).item()


def comparison(
    host: str, prior: Path, weights: Path, image: Tensor, monkeypatch: pytest.MonkeyPatch, **changes: object
) -> tuple[ComparisonResult, Comparer]:
    """A comparison by the real Comparer: prior and weights found where a user has them, and a LoRA that is not zero plugged in.

    Two steps; `changes` are of the recipe's fields.
    """
    row = HOSTS[host]
    monkeypatch.setenv(VARIABLE, str(weights))
    monkeypatch.setitem(PRIORS, row.prior, replace(PRIORS[row.prior], source=str(prior)))
    refined = load_prior(row.prior)
    refined.unet.add_adapter(lora_config(2))
    generator = torch.Generator().manual_seed(4)
    for name, parameter in refined.unet.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.3, generator=generator)
    save_refinement(weights / "refinement", refined, ("[X]. ", "[V]. "), {"steps": 0})
    enhanced = EnhancedText(refinement=str(weights / "refinement"))
    recipe = replace(row.recipe(Recipe()), steps=2, enhanced=enhanced, **changes)
    comparer = Comparer(device=FLOAT32)
    return comparer.run(image, recipe, []), comparer
