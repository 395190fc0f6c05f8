"""Memory that runs out in the middle of a comparison."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.events import Finished, Image, Prepared, Retried
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.memory import NotEnoughMemory
from rapsr_core.recipe import Recipe

RECIPE = Recipe(cleaner="none", steps=2, caption="a photo of a cat", colour_fix="none")
FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def hungry(assets: Path, monkeypatch: pytest.MonkeyPatch) -> Comparer:
    """Its host runs out of memory in tiles of more than 80 px."""
    monkeypatch.setitem(HOSTS, "embedded", replace(HOSTS["embedded"], module="hungry_host"))
    return Comparer(assets, FLOAT32)


def test_a_comparison_that_runs_out_of_memory_starts_again_with_half_the_tile(
    hungry: Comparer, assets: Path, photo: torch.Tensor
) -> None:
    events = list(hungry.compare(photo, RECIPE, []))
    prepared, retried, finished = (next(e for e in events if isinstance(e, kind)) for kind in (Prepared, Retried, Finished))
    assert (prepared.recipe.tile_px, retried.recipe.tile_px, finished.recipe.tile_px) == (128, 64, 64)
    assert retried.note == "memory ran out; started again with tiles of 64 px"
    assert finished.notes == (*prepared.notes, retried.note)
    assert finished.to_json()["notes"][-1] == retried.note
    again = Comparer(assets, FLOAT32).run(photo, finished.recipe, [])
    made = {e.which: e.image for e in events if isinstance(e, Image)}
    assert torch.equal(made["baseline"], again.baseline) and torch.equal(made["enhanced"], again.enhanced)


def test_a_kept_baseline_brings_the_tile_that_came_through(hungry: Comparer, photo: torch.Tensor) -> None:
    hungry.run(photo, RECIPE, [])
    other = replace(RECIPE, enhanced=replace(RECIPE.enhanced, strength=0.5))
    events = list(hungry.compare(photo, other, []))
    assert [e.kept for e in events if isinstance(e, Image)] == [True, False]
    assert not any(isinstance(e, Retried) for e in events)
    assert events[-1].recipe.tile_px == 64


def test_the_second_time_is_an_error_with_the_remedy_and_leaves_everything_as_it_was(hungry: Comparer) -> None:
    large = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    before = {n: (p.data_ptr(), p.clone()) for n, p in hungry._prior(RECIPE).unet.named_parameters()}
    with pytest.raises(NotEnoughMemory, match="tiles of 256 px and again with 128 px: set tile_px to less, crop the image"):
        hungry.run(large, RECIPE, [])
    unet = hungry._prior(RECIPE).unet
    assert all(p.data_ptr() == before[n][0] and torch.equal(p, before[n][1]) for n, p in unet.named_parameters())
    assert hungry.run(large, replace(RECIPE, tile_px=64), []).finished.recipe.tile_px == 64


def test_other_errors_are_not_retried(assets: Path, monkeypatch: pytest.MonkeyPatch, photo: torch.Tensor) -> None:
    comparer = Comparer(assets, FLOAT32)
    with torch.no_grad():
        comparer._prior(RECIPE).unet.conv_in.weight.data = torch.zeros(8, 5, 3, 3)  # of another number of channels
    events = []
    with pytest.raises(RuntimeError, match="channels"):
        events.extend(comparer.compare(photo, RECIPE, []))
    assert not any(isinstance(e, Retried) for e in events)


@pytest.mark.parametrize(
    ("side_px", "tile_px", "spare_mb", "ends"),
    [(16, 64, 4, ["Prepared", "Retried", "NotEnoughMemory"]), (96, 192, 24, ["Prepared", "Retried", "Finished"])],
)
def test_a_process_that_may_not_grow_is_told_or_manages_with_less(
    assets: Path, side_px: int, tile_px: int, spare_mb: int, ends
) -> None:
    """Under a limit of address space, where memory runs out wherever it happens to: in torch, oneDNN or Python."""
    command = [sys.executable, SUPPORT / "short_of_memory.py", assets, *map(str, (side_px, tile_px, spare_mb))]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SUPPORT.parents[1])})
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events] == ends, ended.stderr[-2000:]
    assert events[1]["tile_px"] == 192
