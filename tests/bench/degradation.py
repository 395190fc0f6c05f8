"""Throughput of the degradation: images/s of 512x512 HQ -> 128x128 LQ, against a one-image loop of the official operations.

    PYTHONPATH=. python tests/bench/degradation.py [--images 24] [--preset realesrgan]

All sides carry out the SAME records (same kernels, factors, qualities), one thread a process; see official_degradation.py.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import cv2
import torch
from official_degradation import Filter, official, opencv_filter, torch_filter
from torch import Tensor

from rapsr_core.degradation import JpegName, apply, degrade, draw, preset
from rapsr_core.degradation.pipeline import stages

SIDE_PX = 512


@functools.cache
def photograph(seed: int) -> Tensor:
    """(1, 3, 512, 512): smooth shapes and fine noise, so that JPEG and Poisson have work to do."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 24, generator=generator), (SIDE_PX, SIDE_PX), mode="bicubic")
    return (coarse + 0.05 * torch.randn(1, 3, SIDE_PX, SIDE_PX, generator=generator)).clamp(0, 1)


def run_official(name: str, filter2d: Filter, seeds: list[int]) -> None:
    for seed in seeds:
        official(photograph(0), draw(preset(name), seed), filter2d)


def run_ours(name: str, jpeg: JpegName, seeds: list[int]) -> None:
    for seed in seeds:
        degrade(photograph(0), preset(name), [seed], jpeg=jpeg)


def check_that_they_do_the_same(name: str) -> None:
    """Without noise both sides must give nearly the same LQ, or the comparison means nothing."""
    for seed in range(3):
        record = draw(preset(name), seed, jpeg="torch")
        for order in record["orders"]:
            order |= {"noise": "gaussian", "amount": 0.0}
        ours = apply(photograph(0), record)
        for filter2d in (opencv_filter, torch_filter):
            difference = (official(photograph(0), record, filter2d) - ours).abs().mean()
            assert difference < 0.2 / 255, f"seed {seed}, {filter2d.__name__}: {difference * 255:.2f} / 255"


def one_thread() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--preset", default="realesrgan")
    args = parser.parse_args()
    one_thread()
    seeds = list(range(args.images))
    ways = {
        "official, its filter": partial(run_official, args.preset, torch_filter),
        "official, OpenCV": partial(run_official, args.preset, opencv_filter),
        "degrade, libjpeg": partial(run_ours, args.preset, "codec"),
        "degrade, torch JPEG": partial(run_ours, args.preset, "torch"),
    }
    check_that_they_do_the_same(args.preset)
    for processes in (1, 2):
        for label, way in ways.items():
            shares = [seeds[k::processes] for k in range(processes)]
            with ProcessPoolExecutor(processes, initializer=one_thread) as pool:
                list(pool.map(way, [seeds[:1]] * processes))
                began = time.perf_counter()
                list(pool.map(way, shares))
                print(f"{processes} process(es)  {label:20s} {args.images / (time.perf_counter() - began):6.1f} images/s")
    spent: Counter[str] = Counter()
    for seed in seeds:
        before = time.perf_counter()
        for stage, _ in stages(photograph(0), draw(preset(args.preset), seed)):
            now = time.perf_counter()
            spent[stage] += now - before
            before = time.perf_counter()
    total = sum(spent.values())
    print("where the time goes:", ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in spent.most_common(6)))


if __name__ == "__main__":
    main()
