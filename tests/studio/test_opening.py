"""Examples that were compared beforehand, as the Compare tab opens them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_examples import with_examples

from rapsr_core import precomputed
from rapsr_core.comparison import Comparer
from rapsr_core.images import read, read_png_text, to_uint8
from studio import actions, forms


@pytest.fixture(scope="module")
def studio_assets(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_examples(assets, tmp_path_factory.mktemp("opening") / "assets")


class Idle(Comparer):
    """A comparer that must not compute."""

    def compare(self, *args: Any, **options: Any) -> Any:
        raise AssertionError("something was computed")


DEFAULTS = forms.values_of(precomputed.default_recipe())


def test_an_example_opens_at_once_with_pictures_scores_prompts_and_recipe(studio_assets: Path) -> None:
    photo = studio_assets / "examples/one.png"
    (shown,) = actions.look(Idle(studio_assets), str(photo), DEFAULTS)
    assert shown.status is not None and "the central 28 × 28 px" in shown.status
    assert shown.progress is not None and "Made beforehand" in shown.progress
    assert shown.viewer is not None and [image["name"] for image in shown.viewer["images"]] == ["input", "baseline", "enhanced"]
    assert shown.scores is not None and "NIQE" in shown.scores and shown.prompts
    made = precomputed.find(photo, studio_assets)
    assert made is not None and shown.downloads is not None and set(shown.downloads) == {"baseline", "enhanced", "recipe"}
    assert shown.export is not None and set(shown.export.files()) == {"sheet", "page"}
    assert shown.caption == made.finished.recipe.caption
    for branch, path in (("baseline", made.baseline), ("enhanced", made.enhanced)):
        assert torch.equal(torch.from_numpy(to_uint8(read(shown.downloads[branch]))), torch.from_numpy(to_uint8(read(path))))
    assert json.loads(read_png_text(shown.downloads["enhanced"])["rapsr-recipe"]) == json.loads(
        json.dumps(made.finished.recipe.to_json())
    )


@pytest.mark.parametrize("changed", [{"seed": 1}, {"enhanced.strength": 0.5}, {"caption": "a cat", "caption.automatic": False}])
def test_with_other_settings_nothing_made_beforehand_is_shown(studio_assets: Path, changed: dict[str, Any]) -> None:
    looks = actions.look(Comparer(studio_assets), str(studio_assets / "examples/one.png"), {**DEFAULTS, **changed})
    first = next(looks)
    assert first.downloads == {} and first.status is not None and "beforehand" not in first.status


def test_a_caption_of_another_photograph_does_not_stand_in_the_way(studio_assets: Path) -> None:
    """The box keeps what was written for the picture before; it is written anew while that is ticked."""
    looks = actions.look(
        Idle(studio_assets), str(studio_assets / "examples/two.png"), {**DEFAULTS, "caption": "a photo of a bus"}
    )
    assert "beforehand" in (next(looks).status or "")
