"""A comparison in a process that may not grow: python short_of_memory.py ASSETS SIDE_PX TILE_PX SPARE_MB, events as JSON lines.

The process may take what a comparison of SIDE_PX input pixels in tiles of TILE_PX took (address space, RLIMIT_AS) and SPARE_MB
more; then a larger one is asked for, at once.
"""

import json
import resource
import sys
from dataclasses import replace
from pathlib import Path

import torch

from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.events import Finished, Prepared, Retried
from rapsr_core.memory import NotEnoughMemory
from rapsr_core.recipe import Recipe

SIDE_PX, TILE_PX = 96, 384


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmPeak:")))


if __name__ == "__main__":
    assets, side_px, tile_px = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    comparer = Comparer(assets, Device(torch.device("cpu"), torch.float32, "test"))
    recipe = Recipe(cleaner="none", steps=1, guidance_scale=1.0, caption="a cat", colour_fix="none", tile_px=tile_px)
    photo = torch.rand(1, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    comparer.run(photo[..., :side_px, :side_px], recipe, [])
    resource.setrlimit(resource.RLIMIT_AS, (peak_bytes() + (int(sys.argv[4]) << 20), resource.RLIM_INFINITY))
    try:
        for event in comparer.compare(photo, replace(recipe, tile_px=TILE_PX, seed=1), []):
            if isinstance(event, (Prepared, Retried, Finished)):
                print(json.dumps({"event": type(event).__name__, "tile_px": event.recipe.tile_px}), flush=True)
    except NotEnoughMemory as error:
        print(json.dumps({"event": "NotEnoughMemory", "message": str(error)}), flush=True)
