"""The files of a comparison: a folder of its own for each run and PNGs that carry their recipe."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from rapsr_core.images import save_png
from rapsr_core.recipe import Recipe
from studio import sessions
from studio.viewer import Picture, export

RECIPE_CHUNK = "rapsr-recipe"
"""Keyword of the PNG text chunk that carries the recipe as JSON."""


class RunFolder:
    """A new folder of the visitor's session (sessions.py), so that nobody overwrites another's files."""

    def __init__(self, photo: str | Path) -> None:
        self.id = uuid.uuid4().hex
        self.path = sessions.run_folder(self.id)
        self._stem = self.safe(Path(photo).stem, "photo")

    @staticmethod
    def safe(text: str, otherwise: str) -> str:
        """A text as part of a file name: ASCII letters, digits, hyphens and underscores, at most 48; `otherwise` when nothing is left."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:48].strip("-") or otherwise

    def named(self, ending: str) -> Path:
        """Where a file named after the photograph goes: `named("lq.png")` is photo-lq.png."""
        return self.path / f"{self._stem}-{ending}"

    def picture(self, image: Tensor, name: str) -> Path:
        """Write a look at (1, 3, H, W) sRGB in [0, 1] that is not offered for download."""
        return save_png(image, self.path / f"{name}.png")

    def result(self, image: Tensor, branch: str, recipe: Recipe) -> Path:
        """Write a result as PNG with its recipe in the text chunk RECIPE_CHUNK."""
        path = self.path / f"{self._stem}-{branch}-seed{recipe.seed}.png"
        return save_png(image, path, {RECIPE_CHUNK: json.dumps(recipe.to_json())})

    def recipe(self, recipe: Recipe) -> Path:
        """Write the recipe as a JSON file."""
        path = self.path / f"{self._stem}-recipe-seed{recipe.seed}.json"
        path.write_text(json.dumps(recipe.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def comparison(self, pictures: Sequence[Picture], recipe: Recipe) -> dict[str, Path]:
        """Write the pictures as one PNG side by side ("sheet"), with the recipe in it, and as a page of its own ("page")."""
        text, stem = json.dumps(recipe.to_json(), indent=2, ensure_ascii=False), f"{self._stem}-comparison-seed{recipe.seed}"
        sheet, page = self.path / f"{stem}.png", self.path / f"{stem}.html"
        chunks = PngInfo()
        chunks.add_itxt(RECIPE_CHUNK, json.dumps(recipe.to_json()))
        export.side_by_side(pictures).save(sheet, pnginfo=chunks, compress_level=4)
        page.write_text(export.comparison_page(pictures, f"{self._stem}: a comparison", text), encoding="utf-8")
        return {"sheet": sheet, "page": page}

    def crop(self, image: Tensor) -> Path:
        """Write a crop of a photograph, to be opened in its place."""
        return save_png(image, self.path / f"{self._stem}-crop.png")


@dataclass(frozen=True, eq=False)
class Export:
    """A finished comparison as files to take away, written by `files`: after the run, which has the compute slot. Compared by identity: Gradio
    hashes a State whose change is listened to."""

    folder: RunFolder
    pictures: tuple[Picture, ...]
    recipe: Recipe

    def files(self) -> dict[str, Path]:
        """ "sheet" and "page", as `RunFolder.comparison` writes them."""
        return self.folder.comparison(self.pictures, self.recipe)
