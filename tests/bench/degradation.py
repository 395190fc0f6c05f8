"""Throughput of the degradation: images/s of 512x512 HQ -> 128x128 LQ, against a one-image loop of the official operations.

    python tests/bench/degradation.py [--images 24] [--preset realesrgan]

Both sides carry out the SAME records (same kernels, factors, qualities), one thread a process. The official loop filters with
OpenCV and compresses with DiffJPEG's arithmetic, one image after the other, as the Real-ESRGAN family's CPU loaders do.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from rapsr_core.degradation import degrade, draw, preset
from rapsr_core.degradation import operations as op
from rapsr_core.degradation.jpeg import jpeg_torch
from rapsr_core.degradation.pipeline import Record, _kernel, stages

SIDE_PX = 512


@functools.cache
def photograph(seed: int) -> Tensor:
    """(1, 3, 512, 512): smooth shapes and fine noise, so that JPEG and Poisson have work to do."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 24, generator=generator), (SIDE_PX, SIDE_PX), mode="bicubic")
    return (coarse + 0.05 * torch.randn(1, 3, SIDE_PX, SIDE_PX, generator=generator)).clamp(0, 1)


def cv2_filter(x: Tensor, kernel: Tensor) -> Tensor:
    array = np.ascontiguousarray(x[0].permute(1, 2, 0).numpy())
    out = cv2.filter2D(array, -1, kernel.numpy(), borderType=cv2.BORDER_REFLECT_101)
    return torch.from_numpy(out).permute(2, 0, 1)[None]


def cv2_gaussian(x: Tensor) -> Tensor:
    blurred = cv2.GaussianBlur(np.ascontiguousarray(x[0].permute(1, 2, 0).numpy()), (51, 51), 0)
    return torch.from_numpy(blurred).permute(2, 0, 1)[None]


def usm(x: Tensor) -> Tensor:
    residual = x - cv2_gaussian(x)
    soft = cv2_gaussian((residual.abs() * 255 > 10).float())
    return soft * (x + 0.5 * residual).clamp(0, 1) + (1 - soft) * x


def official_noise(x: Tensor, order: Record) -> Tensor:
    """basicsr's `random_add_gaussian_noise_pt` and `random_add_poisson_noise_pt`: grey noise beside the coloured where it is drawn."""
    x = x.clamp(0, 1)
    if order["noise"] == "gaussian":
        noise = torch.randn_like(x) * (order["amount"] / 255)
        if order["grey"]:
            noise = (torch.randn(x.shape[-2:]) * (order["amount"] / 255)).expand_as(x)
        return (x + noise).clamp(0, 1)
    noise = official_poisson(x)
    if order["grey"]:
        noise = official_poisson((x * torch.tensor(op.LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)).expand_as(x)
    return (x + noise * order["amount"]).clamp(0, 1)


def official_poisson(x: Tensor) -> Tensor:
    x = (x * 255).round().clamp(0, 255) / 255
    levels = 2 ** np.ceil(np.log2(len(torch.unique(x))))
    return torch.poisson(x * levels) / levels - x


def official(image: Tensor, record: Record) -> Tensor:
    """The official order, one image, with OpenCV's filter and DiffJPEG."""
    low = SIDE_PX // record["scale"]
    first, second = record["orders"]
    x = usm(image) if record["usm"] else image
    x = cv2_filter(x, _kernel(first["kernel"]))
    x = official_noise(op.resize_by(x, first["factor"], first["mode"]), first)
    x = jpeg_torch(x, first["jpeg_quality"])
    x = cv2_filter(x, _kernel(second["kernel"])) if second["kernel"] else x
    side = int(low * second["factor"])
    x = official_noise(op.resize_to(x, (side, side), second["mode"]), second)
    final = record["final"]
    for turn in ("resize", "jpeg") if final["jpeg_last"] else ("jpeg", "resize"):
        if turn == "jpeg":
            x = jpeg_torch(x.clamp(0, 1), second["jpeg_quality"])
        else:
            x = op.resize_to(x, (low, low), final["mode"])
            x = cv2_filter(x, _kernel(final["sinc"])) if final["sinc"] else x
    return (x.clamp(0, 1) * 255).round() / 255


def run_official(name: str, seeds: list[int]) -> float:
    began = time.perf_counter()
    for seed in seeds:
        official(photograph(0), draw(preset(name), seed))
    return time.perf_counter() - began


def run_ours(name: str, jpeg: str, seeds: list[int]) -> float:
    began = time.perf_counter()
    for seed in seeds:
        degrade(photograph(0), preset(name), [seed], jpeg=jpeg)  # type: ignore[arg-type]
    return time.perf_counter() - began


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
        "official loop": partial(run_official, args.preset),
        "degrade, libjpeg": partial(run_ours, args.preset, "codec"),
        "degrade, torch JPEG": partial(run_ours, args.preset, "torch"),
    }
    for way in ways.values():
        way(seeds[:1])
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
