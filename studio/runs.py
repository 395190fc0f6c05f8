"""Comparisons of all visitors, one at a time, and the files they leave."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from gradio.utils import get_upload_folder
from torch import Tensor

from rapsr_core.comparison import Comparer
from rapsr_core.events import Event
from rapsr_core.images import save_png
from rapsr_core.recipe import Recipe

SLOT = "compute"
"""Gradio's concurrency_id of everything that computes a comparison, page and API."""


class Runs:
    """The one compute slot. All visitors share the model, and a refinement is plugged into it while a comparison runs.

    Gradio's queue frees a cancelled event before its thread has left the step it was in; the lock here is what keeps the next
    comparison out until the refinement is unplugged.
    """

    def __init__(self, comparer: Comparer) -> None:
        self.comparer = comparer
        self._slot = threading.Lock()

    def events(self, image: Tensor, recipe: Recipe, metrics: Sequence[str]) -> Iterator[Event]:
        """Events of one comparison of (1, 3, H, W) sRGB in [0, 1]. Closing the iterator cancels it and frees the slot."""
        with self._slot:
            yield from self.comparer.compare(image, recipe, metrics)


class RunFolder:
    """A folder of its own for each run, inside Gradio's cache, so that visitors never overwrite each other's files."""

    def __init__(self, photo: str | Path) -> None:
        self.id = uuid.uuid4().hex
        self.path = Path(get_upload_folder()) / "runs" / self.id
        self.path.mkdir(parents=True)
        self._stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(photo).stem)[:48].strip("-") or "photo"

    def picture(self, image: Tensor, name: str) -> Path:
        """Write a look at (1, 3, H, W) sRGB in [0, 1] that is not offered for download."""
        return save_png(image, self.path / f"{name}.png")

    def result(self, image: Tensor, branch: str, recipe: Recipe) -> Path:
        """Write a result as PNG with its recipe in the text chunk RECIPE_CHUNK."""
        name = f"{self._stem}-{branch}-seed{recipe.seed}.png"
        return save_png(image, self.path / name, {RECIPE_CHUNK: json.dumps(recipe.to_json())})

    def recipe(self, recipe: Recipe) -> Path:
        """Write the recipe as a JSON file."""
        path = self.path / f"{self._stem}-recipe-seed{recipe.seed}.json"
        path.write_text(json.dumps(recipe.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


RECIPE_CHUNK = "rapsr-recipe"
"""Keyword of the PNG text chunk that carries the recipe as JSON."""
