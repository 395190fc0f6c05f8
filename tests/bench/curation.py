"""Images/s on one core of curation's stages 1 and 2, all of their measurements, against pyiqa's four metrics called one by one.

    PYTHONPATH=. OMP_NUM_THREADS=1 python tests/bench/curation.py /path/to/photographs [--images 12]

Both sides begin with the same file, and pyiqa gets the same central crop of at most 512 px, decoded for each call, as a script that calls metrics
one by one decodes it. They take turns image by image; a first image is not timed.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from metrics import LIVE, one_by_one

from rapsr_core.curation.items import Item, find_items, read_item
from rapsr_core.curation.picture import Picture
from rapsr_core.curation.scoring import build, read_and_score
from rapsr_core.curation.stages import ADMISSION, FIDELITY

NAMES = (*LIVE, "ilniqe")
SIDES = ("stages 1 + 2", "pyiqa, NIQE + BRISQUE + PIQE + IL-NIQE", "pyiqa, without IL-NIQE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="photographs")
    parser.add_argument("--images", type=int, default=12, help="spread evenly over the folder [12]")
    args = parser.parse_args()
    torch.set_num_threads(1)
    measures, theirs = build((ADMISSION, FIDELITY)), one_by_one()

    def seconds(item: Item) -> list[float]:
        began = time.perf_counter()
        scored = read_and_score(item, measures)
        if scored.row["error"]:
            raise SystemExit(f"{item.id}: {scored.row['error']}")
        ours = time.perf_counter() - began
        each = []
        for name in NAMES:
            began = time.perf_counter()
            theirs(Picture(read_item(item), item.id).view, (name,))
            each.append(time.perf_counter() - began)
        return [ours, sum(each), sum(each[: len(LIVE)])]

    items = find_items(args.folder)
    chosen = items[:: max(len(items) // args.images, 1)][: args.images]
    seconds(chosen[0])
    rows = np.array([seconds(item) for item in chosen])
    columns = sum(len(stage.columns) for stage, _ in measures)
    print(f"{len(chosen)} images, one thread; stages 1 + 2 measure {columns} columns")
    for side, speed, ratio in zip(SIDES, len(rows) / rows.sum(0), rows.sum(0) / rows[:, 0].sum(), strict=True):
        print(f"{side}: {speed:.2f} images/s, {ratio:.1f} times our seconds")


if __name__ == "__main__":
    main()
