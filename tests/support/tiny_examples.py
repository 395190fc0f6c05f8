"""Two small examples beside the tiny prior, both compared beforehand by the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image

from train import precompute

ROW = {
    "title": "Noise",
    "author": "nobody",
    "licence": "CC0",
    "licence_url": "https://example.org",
    "source": "-",
    "made": "drawn",
}
SIDE_PX = 28


def with_examples(assets: Path, folder: Path) -> Path:
    """A copy of `assets` at `folder`; one.png is 38 x 30 px, two.png 34 x 26 px."""
    shutil.copytree(assets, folder)
    (folder / "examples").mkdir()
    for name, side in (("one", 30), ("two", 26)):
        Image.effect_noise((side + 8, side), 60).convert("RGB").save(folder / "examples" / f"{name}.png")
    rows = [{"file": f"{name}.png", **ROW} for name in ("one", "two")]
    (folder / "examples/examples.json").write_text(json.dumps(rows))
    precompute.main(["--assets", str(folder), "--side", str(SIDE_PX)])
    return folder
