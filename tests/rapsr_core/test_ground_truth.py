from pathlib import Path

import pytest
import torch

from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.events import Finished, Image, Scored
from rapsr_core.ground_truth import METRICS_OF_REFERENCE, fitted, referenced
from rapsr_core.images import ImageError, resize
from rapsr_core.quality.scoring import score
from rapsr_core.recipe import Recipe

RECIPE = Recipe(cleaner="none", steps=1, caption="a photo of a cat", colour_fix="none")


@pytest.mark.parametrize("size", [(96, 128), (192, 256), (97, 128), (194, 257), (300, 400)])
def test_a_truth_of_the_same_proportions_is_brought_to_the_output_size(size: tuple[int, int]) -> None:
    truth = torch.rand(1, 3, *size)
    found = fitted(truth, (96, 128))
    assert found.shape == (1, 3, 96, 128)
    assert torch.equal(found, truth) or size != (96, 128)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((95, 128), "the ground truth is 128 x 95 px and the output 128 x 96 px; it must be at least as large"),
        ((24, 32), "the ground truth is 32 x 24 px and the output 128 x 96 px; it must be at least as large"),
        ((128, 128), "the ground truth is 128 x 128 px and the output 128 x 96 px; the proportions must be the same"),
        ((96, 140), "the ground truth is 140 x 96 px and the output 128 x 96 px; the proportions must be the same"),
    ],
)
def test_another_truth_is_refused_with_both_sizes(size: tuple[int, int], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        fitted(torch.rand(1, 3, *size), (96, 128))


def test_its_scores_join_those_of_the_run_and_of_a_kept_baseline(assets: Path, photo: torch.Tensor) -> None:
    comparer = Comparer(assets, Device(torch.device("cpu"), torch.float32, "test"))
    enlarged, truth = resize(photo, (96, 128)), torch.rand(1, 3, 96, 128)
    for _ in range(2):
        events = list(referenced(comparer.compare(photo, RECIPE, ["grid"]), enlarged, truth))
        images = {"input": enlarged} | {e.which: e.image for e in events if isinstance(e, Image)}
        finished = events[-1]
        assert isinstance(finished, Finished)
        for scored in (e for e in events if isinstance(e, Scored)):
            assert finished.scores[scored.which] == scored.scores
            expected = score(images[scored.which], METRICS_OF_REFERENCE, truth)
            assert {n: scored.scores[n].value for n in METRICS_OF_REFERENCE} == {n: row.value for n, row in expected.items()}
            assert scored.scores["grid"].value is not None
    assert any(e.kept for e in events if isinstance(e, Image))


def test_closing_it_frees_the_slot(assets: Path, photo: torch.Tensor) -> None:
    comparer = Comparer(assets, Device(torch.device("cpu"), torch.float32, "test"))
    events = referenced(comparer.compare(photo, RECIPE, []), resize(photo, (96, 128)), torch.rand(1, 3, 96, 128))
    next(events)
    events.close()  # type: ignore[attr-defined]
    comparer.run(photo, RECIPE, [])  # would wait for ever
