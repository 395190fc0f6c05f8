from collections import Counter

import numpy as np
import pytest
import torch

from rapsr_core.degradation import degrade, preset
from rapsr_core.images import resize
from rapsr_core.refinement.samples import FAULTS, TARGETS, Identifier, Material, Ropo, published, with_faults

CLEAN = resize(torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0)), (96, 96))
LQ = degrade(CLEAN, preset("rapsr"), [3]).image
MATERIAL = Material(CLEAN, lambda: LQ, ("rapsr",))
DRAWS = 4000


def test_published_shares() -> None:
    """0.8 / 0.2 / text dropped 0.05, each within four standard deviations; the negative has the caption of the clean image."""
    ropo, rng, seen = Ropo(), np.random.default_rng(1), Counter[str]()
    cheap = Material(CLEAN[..., :8, :8], lambda: LQ[..., :2, :2], ("rapsr",))
    for _ in range(DRAWS):
        target, text = ropo.choose("a cat", cheap, rng)
        seen[text] += 1
        seen["clean"] += target is cheap.clean
    spread = 4 * (DRAWS * 0.25) ** 0.5
    assert abs(seen["clean"] - 0.8 * DRAWS) < spread
    assert abs(seen["[X]. a cat"] - 0.8 * 0.95 * DRAWS) < spread
    assert abs(seen["[V]. a cat"] - 0.2 * 0.95 * DRAWS) < spread
    assert abs(seen[""] - 0.05 * DRAWS) < 4 * (DRAWS * 0.05 * 0.95) ** 0.5
    assert set(seen) == {"clean", "", "[X]. a cat", "[V]. a cat"}


@pytest.mark.parametrize("name", list(TARGETS))
def test_every_target_has_the_size_and_range_of_the_clean_image(name: str) -> None:
    target = TARGETS[name](MATERIAL, np.random.default_rng(0))
    assert target.shape == CLEAN.shape
    assert target.min() >= 0 and target.max() <= 1
    assert torch.equal(target, CLEAN) == (name == "clean")


def test_same_and_independent_differ_in_the_draw() -> None:
    """Reduced to a quarter again, "same" is the LQ that the prior gets; "independent" is not."""
    low = {n: resize(TARGETS[n](MATERIAL, np.random.default_rng(0)), (24, 24)) for n in ("same", "independent")}
    assert (low["same"] - LQ).abs().mean() < 0.02
    assert (low["independent"] - LQ).abs().mean() > 2 * (low["same"] - LQ).abs().mean()


def test_faults_take_their_shares_from_the_positive() -> None:
    rows = with_faults(published())
    assert [row.text for row in rows] == ["[X]. ", "[V]. ", *(row.text for row in FAULTS)]
    assert rows[0].share == pytest.approx(0.8 - 0.3)
    Ropo(rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((Identifier("[X]. ", 0.8, "clean", ""),), "add up to 1"),
        ((Identifier("[X]. ", 0.5, "clean", ""), Identifier("[X]. ", 0.5, "same", "")), "must all differ"),
        ((Identifier("[X]. ", 1.0, "sepia", ""),), "no target named 'sepia'; there are clean, same"),
    ],
)
def test_bad_tables_are_refused(rows: tuple[Identifier, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ropo(rows)
