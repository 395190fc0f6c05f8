"""Images/s on one core: pyiqa's metrics called one by one against ours with shared features, on the same decoded crops, in one run.

    PYTHONPATH=. python tests/bench/metrics.py /path/to/photographs [--images 16] [--ilniqe-images 3]

Central crops of at most 512 px, as curation's stage 2 takes them. Both sides get the tensor in memory and one thread, and they take turns
image by image, so that noise of the machine meets both; a first image is not timed. The scores must agree.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyiqa
import torch
from torch import Tensor

from rapsr_core.curation.picture import Picture
from rapsr_core.quality.natural import natural_scores
from rapsr_core.quality.table import METRICS, PARAMETERS

LIVE = ("niqe", "brisque", "piqe")
AGREE = {"niqe": 1e-3, "brisque": 2.5e-3, "piqe": 1e-3, "ilniqe": 1e-2}
"""Largest difference, relative to the score or to 10 (BRISQUE crosses 0, and pyiqa adds up its 774 terms in float32: +-.015)."""

Scorer = Callable[[Tensor, tuple[str, ...]], dict[str, float]]


def one_by_one() -> Scorer:
    metrics = {}
    for name in (*LIVE, "ilniqe"):
        file = METRICS[name].parameters
        options = {"pretrained_model_path": str(PARAMETERS / file)} if file else {}
        metrics[name] = pyiqa.create_metric(name, device=torch.device("cpu"), **options)
    return lambda image, names: {name: float(metrics[name](image)) for name in names}


def views(folder: Path, count: int) -> list[Tensor]:
    """`count` crops, spread evenly over the folder's files."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    return [Picture(path.read_bytes(), path.name).view for path in files[:: max(len(files) // count, 1)][:count]]


def race(label: str, images: list[Tensor], names: tuple[str, ...], theirs: Scorer) -> None:
    seconds = np.zeros((len(images), 2))
    apart = dict.fromkeys(names, 0.0)
    natural_scores(images[0], names)  # parameter files, filters
    theirs(images[0], names)
    for row, image in zip(seconds, images, strict=True):
        began = time.perf_counter()
        found = natural_scores(image, names)
        between = time.perf_counter()
        expected = theirs(image, names)
        row[:] = between - began, time.perf_counter() - between
        for name in names:
            apart[name] = max(apart[name], abs(found[name] - expected[name]) / max(abs(expected[name]), 10))
    ours, other = len(images) / seconds.sum(0)
    print(f"{label}: ours {ours:.2f} images/s, pyiqa one by one {other:.2f} images/s, ratio {ours / other:.1f}", end=" ")
    print(f"(median of images {np.median(seconds[:, 1] / seconds[:, 0]):.1f}, {len(images)} images)")
    print("  largest relative difference: " + ", ".join(f"{name} {value:.1e}" for name, value in apart.items()))
    wrong = [name for name, value in apart.items() if value > AGREE[name]]
    if wrong:
        raise SystemExit(f"{label}: {', '.join(wrong)} differ by more than {[AGREE[name] for name in wrong]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photographs (.jpg, .png)")
    parser.add_argument("--images", type=int, default=16, help="for NIQE, BRISQUE and PIQE [16]")
    parser.add_argument(
        "--ilniqe-images", type=int, default=3, help="with IL-NIQE too, 5 to 20 s each in pyiqa; 0 leaves it out [3]"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    theirs = one_by_one()
    race("niqe + brisque + piqe", views(args.folder, args.images), LIVE, theirs)
    if args.ilniqe_images:
        race("with ilniqe", views(args.folder, args.ilniqe_images), (*LIVE, "ilniqe"), theirs)


if __name__ == "__main__":
    main()
