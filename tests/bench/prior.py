"""What one pass of the embedded prior costs at an output of 512 x 512: seconds, FLOPs, and their share of the machine's convolution peak.

    PYTHONPATH=. OMP_NUM_THREADS=2 python tests/bench/prior.py [--side 512] [--repeats 7]

FLOPs are counted by torch (two for a multiply and add; convolutions, matrix products, attention). The peak is the fastest of some plain
3x3 convolutions in the same type and memory format, measured in turn with the prior, so that the share does not depend on what else runs.
A step is one pass for each text (two with guidance); the last step of a picture is 16 passes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rapsr_core import ASSETS
from rapsr_core.cleaners import SCALE, clean, load_realesrgan
from rapsr_core.device import choose_device
from rapsr_core.priors import load_prior
from rapsr_core.priors.embedded import network_input

CONVOLUTIONS = ((64, 128), (128, 64), (256, 32), (512, 32))
"""(channels in and out, sites a side)."""


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def flops(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def convolution(channels: int, side: int, dtype: torch.dtype) -> Callable[[], object]:
    layer = nn.Conv2d(channels, channels, 3, padding=1).to(dtype, memory_format=torch.channels_last).requires_grad_(False)
    x = torch.rand(1, channels, side, side).to(dtype, memory_format=torch.channels_last)
    return lambda: layer(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512, help="output pixels a side [512]")
    parser.add_argument("--repeats", type=int, default=7, help="[7]; the median is told")
    args = parser.parse_args()
    device = choose_device()
    prior = load_prior(ASSETS / "prior")
    codec, unet = prior.space_to_depth, prior.unet.to(memory_format=torch.channels_last)
    guide = torch.rand(1, 3, args.side, args.side)
    noisy = torch.randn(1, codec.channels, args.side // codec.block_px, args.side // codec.block_px)
    text = prior.text.encode_ids([[49406, *[49407] * 76]]).states
    rows = network_input(unet, codec, noisy, guide, guide).contiguous(memory_format=torch.channels_last)

    def one_pass() -> object:
        with torch.inference_mode(), torch.autocast("cpu", device.dtype, enabled=device.dtype != torch.float32):
            return unet(rows, torch.tensor(999), text).sample

    lq = torch.rand(1, 3, args.side // SCALE, args.side // SCALE)
    dtypes = {"float32": torch.float32, str(device.dtype).removeprefix("torch."): device.dtype}
    work: dict[str, Callable[[], object]] = {"prior, one pass": one_pass}
    work |= {f"cleaner, {name}": lambda dtype=dtype: clean(lq, "real-esrgan", dtype=dtype) for name, dtype in dtypes.items()}
    peaks = {f"convolution {c} x {s} x {s}": convolution(c, s, device.dtype) for c, s in CONVOLUTIONS}
    counted = {name: flops(job) for name, job in (work | peaks).items()}
    times: dict[str, list[float]] = {name: [] for name in work | peaks}
    for _ in range(args.repeats):
        for name, job in (work | peaks).items():
            times[name].append(seconds(job) if name in work else seconds(lambda job=job: [job() for _ in range(20)]) / 20)
    speed = {name: counted[name] / statistics.median(taken) for name, taken in times.items()}
    peak = max(speed[name] for name in peaks)
    print(f"{torch.get_num_threads()} threads, {device.dtype}; convolution peak {peak / 1e9:.0f} GFLOP/s")
    for name, taken in times.items():
        share = f"{speed[name] / peak:.0%} of the peak"
        print(
            f"{name}: {statistics.median(taken):.4f} s, {counted[name] / 1e9:.1f} GFLOP, {speed[name] / 1e9:.0f} GFLOP/s, {share}"
        )
    load_realesrgan.cache_clear()


if __name__ == "__main__":
    main()
