"""What the compute slot is spared: seconds and bytes of the files made of a comparison after it (results.Export), for four pictures a side.

Run: PYTHONPATH=. python tests/bench/export.py 512 2048
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp()

import torch
from PIL import Image

from rapsr_core import ASSETS
from rapsr_core.images import read, resize
from rapsr_core.recipe import Recipe
from studio.results import Export, RunFolder
from studio.viewer import Picture


def main(sides_px: list[int]) -> None:
    photo = read(sorted((ASSETS / "examples").glob("*.png"))[0])
    for side in sides_px:
        folder = RunFolder("photo")
        pictures = []
        for name in ("input", "cleaner", "baseline", "enhanced"):
            image = (resize(photo, (side, side)) + 0.02 * torch.randn(1, 3, side, side)).clamp(0, 1)
            path = folder.picture(image, name)
            with Image.open(path) as opened:
                pictures.append(Picture(name, name, name, path, *opened.size))
        began, spent = time.perf_counter(), time.process_time()
        files = Export(folder, tuple(pictures), Recipe()).files()
        wall, processor = time.perf_counter() - began, time.process_time() - spent
        sizes = ", ".join(f"{name} {path.stat().st_size / 2**20:.1f} MB" for name, path in files.items())
        print(f"{side} px: {wall:.2f} s, {processor:.2f} s of the processor; {sizes}")


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]])
