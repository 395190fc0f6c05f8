"""A toy host over real schedulers: its network is a fixed function of every pixel, so that tiles must equal the whole."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from diffusers import SchedulerMixin
from torch import Tensor

from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Host, Part, Text
from rapsr_core.sampling.noise import ImageNoise

SITES = (12, 16)


class ToyHost(Host):
    """Predicts tanh(weight * z + hint) * text; counts its calls."""

    multiple = 2

    def __init__(self, scheduler: SchedulerMixin) -> None:
        self.scheduler, self.unet = scheduler, torch.nn.Identity()
        self.predicted: list[tuple[int, int, int]] = []  # (t, height, width)
        self.viewed = 0
        self.gains: tuple[float, ...] = ()  # of views in place of the one

    def encode_text(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        return Text(torch.tensor([[[len(ids) / 10]] for ids in token_ids]))

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        hint = torch.nn.functional.avg_pool2d(guide.mean(1, keepdim=True), 4)
        sites = (hint.shape[-2], hint.shape[-1])
        return Condition({"hint": Part(hint, 4)}, sites, (guide.shape[-2], guide.shape[-1]), 4, guide)

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        return noise.draw("start", (1, 3, *condition.latent_size)) * scheduler.init_noise_sigma

    def views(self, t: Tensor, condition: Condition) -> Sequence[Condition]:
        self.viewed += 1
        if not self.gains:
            return [condition]
        gains = (Part(torch.tensor(gain), "global") for gain in self.gains)
        return [replace(condition, parts={**condition.parts, "gain": gain}) for gain in gains]

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        self.predicted.append((int(t), *z.shape[-2:]))
        output = torch.tanh(0.5 * z + condition["hint"]) * (0.5 + text.states.mean())
        return output * condition["gain"] if self.gains else output

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        return z0

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        return z


@pytest.fixture
def toy() -> Callable[[SchedulerMixin], ToyHost]:
    return ToyHost


@pytest.fixture
def condition() -> Condition:
    generator = torch.Generator().manual_seed(5)
    guide = torch.rand(1, 3, SITES[0] * 4, SITES[1] * 4, generator=generator)
    return Condition({"hint": Part(torch.rand(1, 1, *SITES, generator=generator), 4)}, SITES, guide.shape[-2:], 4, guide)


@pytest.fixture
def texts() -> tuple[Text, Text]:
    """Positive and negative."""
    return Text(torch.full((1, 1, 1), 0.4)), Text(torch.full((1, 1, 1), -0.2))
