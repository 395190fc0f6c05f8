"""A curated dataset of three small photographs, laid out as train.curate writes it (rapsr_core/curation/dataset.py)."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
CAPTIONER = "microsoft-Florence-2-large-ft"


def dataset(curation: Path, held_out: int = 0) -> Path:
    """`curation`/dataset; `held_out`: so many rows more, of a package that no training may see."""
    folder = curation / "dataset"
    for name in ("image", "caption"):
        (folder / name).mkdir(parents=True)
    rows = [(path.stem, path.name) for path in sorted(EXAMPLES.glob("*.png"))[:3]]
    rows += [(f"held-{k}", f"mate-backgrounds__{k}.png") for k in range(held_out)]
    lines = []
    for stem, name in rows:
        with Image.open(EXAMPLES / name if (EXAMPLES / name).is_file() else next(EXAMPLES.glob("*.png"))) as image:
            image.convert("RGB").resize((96, 80)).save(folder / f"image/{stem}.png")
        caption = f"a photo of {stem}"
        (folder / f"caption/{stem}.json").write_text(json.dumps({CAPTIONER: {"<MORE_DETAILED_CAPTION>": caption}}))
        lines.append(json.dumps({"file_name": f"image/{stem}.png", "text": caption, "id": name}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines))
    return folder
