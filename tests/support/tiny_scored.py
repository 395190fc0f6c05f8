"""A real curation: seven small photographs scored by train.curate."""

import json
from pathlib import Path

from PIL import Image

from train.curate import main

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
LENIENT = {
    "short_side": {"low": 64},
    "fine_detail": None,
    "sharpness": None,
    "noise": None,
    "blockiness": None,
    "appeal": {"best": 0.5},
}


def scored(pool: Path, out: Path) -> Path:
    """Six photographs and a copy of one in `pool`, scored and selected with LENIENT into `out`."""
    pool.mkdir(parents=True)
    for i, path in enumerate(sorted(EXAMPLES.glob("*.png"))[:6]):
        with Image.open(path) as image:
            image.convert("RGB").resize((160, 112 + 4 * i)).save(pool / path.name)
    (pool / "boats-again.png").write_bytes((pool / "boats.png").read_bytes())
    out.mkdir(parents=True)
    (out / "rules.json").write_text(json.dumps(LENIENT))
    main([str(pool), str(out), "--workers", "1", "--no-dataset", "--rules", str(out / "rules.json")])
    return out
