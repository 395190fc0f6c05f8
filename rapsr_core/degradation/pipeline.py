"""The second-order process (Real-ESRGAN, section 3): draw a record, then apply it.

EACH IMAGE OWNS ITS GENERATOR. `draw` turns (seed, preset, size) into a JSON record of every decision; `apply` turns image and record
into pixels, with noise fields drawn from the record's seed. So an image gives the same pixels alone or in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from rapsr_core.degradation import operations as op
from rapsr_core.degradation.jpeg import jpeg_torch
from rapsr_core.degradation.kernels import blur_kernel, pad_kernel, sinc_kernel
from rapsr_core.degradation.poisson import poisson
from rapsr_core.degradation.presets import KERNEL_KINDS, KERNEL_SHARES, Order, Preset

MODES = ("area", "bilinear", "bicubic")
MIN_SIDE_PX = 80
"""Smallest HQ side: below it the strongest first reduction leaves less than the 21-px kernel of the second order needs."""

Record = dict[str, Any]
JpegName = Literal["codec", "torch"]


@dataclass(frozen=True)
class Degraded:
    """`image`: (B, 3, H/4, W/4), or (B, 3, H, W) when resized back; 8-bit levels before resizing back. One record an image."""

    image: Tensor
    records: list[Record]


def degrade(
    batch: Tensor, preset: Preset, seeds: Sequence[int], *, resize_back: bool = False, jpeg: JpegName = "codec"
) -> Degraded:
    """Degrade (B, 3, H, W) sRGB in [0, 1], image i with the generator of seeds[i] alone.

    `jpeg`: "codec" is libjpeg (whole-number quality, on the CPU), "torch" the official arithmetic on the images' device.

    Raises ValueError for a wrong shape or range, sides that are no multiple of the scale or under MIN_SIDE_PX, or seeds of
    another length.
    """
    _check(batch, preset, seeds)
    records = [draw(preset, seed, resize_back=resize_back, jpeg=jpeg) for seed in seeds]
    images = [apply(image[None], record) for image, record in zip(batch, records, strict=True)]
    return Degraded(torch.cat(images), records)


def replay(image: Tensor, record: Record) -> Tensor:
    """The very pixels `degrade` made of (3, H, W) or (1, 3, H, W) with this record."""
    return apply(image if image.ndim == 4 else image[None], record)


def draw(preset: Preset, seed: int, *, resize_back: bool = False, jpeg: JpegName = "codec") -> Record:
    """Every decision for one image, as plain JSON values."""
    rng = np.random.default_rng(seed)
    orders = [_draw_order(order, sizes, rng) for order, sizes in zip(preset.orders, preset.kernel_sizes_px, strict=False)]
    last_sizes = preset.kernel_sizes_px[1]  # the loaders draw the final sinc's size as the second order's
    final = {
        "sinc": _draw_sinc(rng, int(rng.choice(last_sizes)), np.pi / 3) if rng.random() < preset.final_sinc_share else None,
        "mode": str(rng.choice(MODES)),
        "jpeg_last": bool(rng.random() < 0.5),
    }
    back = str(rng.choice(MODES)) if resize_back else None
    facts = {"preset": preset.name, "seed": int(seed), "scale": preset.scale, "usm": preset.usm, "jpeg": jpeg}
    return {**facts, "orders": orders, "final": final, "resize_back": back}


def apply(image: Tensor, record: Record) -> Tensor:
    """Carry out a record on one image (1, 3, H, W)."""
    return [x for _, x in stages(image, record)][-1]


def stages(image: Tensor, record: Record) -> Iterator[tuple[str, Tensor]]:
    """The same as snapshots: (name, image) after each stage; the last one is the result."""
    height, width = image.shape[-2:]
    low = (height // record["scale"], width // record["scale"])
    yield "original", image
    x = op.usm_sharpen(image) if record["usm"] else image
    if record["usm"]:
        yield "sharpened", x
    if not record["orders"]:
        x = op.resize_antialiased(x, low)
        yield "bicubic", x
    else:
        for name, after in _two_orders(x, low, record):
            yield name, after
            x = after
    x = (x.clamp(0, 1) * 255).round() / 255
    yield "8 bits", x
    if record["resize_back"]:
        yield "resized back", op.resize_to(x, (height, width), record["resize_back"]).clamp(0, 1)


def _two_orders(x: Tensor, low: tuple[int, int], record: Record) -> Iterator[tuple[str, Tensor]]:
    noise = np.random.default_rng([record["seed"], 1])
    first, second = record["orders"]
    x = _blur(x, first)
    yield "first blur", x
    x = op.resize_by(x, first["factor"], first["mode"])
    yield "first resize", x
    x = _noise(x, first, noise)
    yield "first noise", x
    x = _jpeg(x, first["jpeg_quality"], record)
    yield "first JPEG", x
    x = _blur(x, second)
    yield "second blur", x
    size = tuple(max(1, int(side * second["factor"])) for side in low)
    x = op.resize_to(x, (size[0], size[1]), second["mode"])
    yield "second resize", x
    x = _noise(x, second, noise)
    yield "second noise", x
    yield from _finish(x, low, record)


def _finish(x: Tensor, low: tuple[int, int], record: Record) -> Iterator[tuple[str, Tensor]]:
    """The last half: [resize + sinc] and JPEG in either order."""
    final = record["final"]
    for turn in ("resize", "JPEG") if final["jpeg_last"] else ("JPEG", "resize"):
        if turn == "JPEG":
            x = _jpeg(x, record["orders"][1]["jpeg_quality"], record)
            yield "second JPEG", x
        else:
            x = op.resize_to(x, low, final["mode"])
            yield "final resize", x
            if final["sinc"]:
                x = op.filter2d(x, kernel_of(final["sinc"]))
                yield "final sinc", x


def _jpeg(x: Tensor, quality: float, record: Record) -> Tensor:
    if record.get("jpeg", "codec") == "torch":
        return jpeg_torch(x.clamp(0, 1), quality)
    return op.jpeg_codec(x, quality)


def _blur(x: Tensor, order: Record) -> Tensor:
    return op.filter2d(x, kernel_of(order["kernel"])) if order["kernel"] else x


def _noise(x: Tensor, order: Record, rng: np.random.Generator) -> Tensor:
    x = x.clamp(0, 1)
    if order["noise"] == "gaussian":
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        normal = torch.randn((1, 1 if order["grey"] else 3, *x.shape[-2:]), generator=generator)
        return op.add_gaussian(x, normal.to(x), order["amount"])
    values, levels = op.poisson_levels(x, order["grey"])
    return op.add_poisson(x, poisson(values, levels, rng), values, levels, order["amount"])


def kernel_of(facts: Record) -> Tensor:
    """The kernel that a record describes, (21, 21) float64."""
    if facts["kind"] == "sinc":
        kernel = sinc_kernel(facts["size"], facts["cutoff"])
    else:
        family = {"iso": "gaussian", "aniso": "gaussian"}.get(facts["kind"], facts["kind"].rsplit("_", 1)[0])
        sigmas = facts["sigma_x"], facts["sigma_y"], facts["theta"]
        kernel = blur_kernel(family, facts["size"], *sigmas, beta=facts["beta"])
    return torch.from_numpy(pad_kernel(kernel))


def _draw_order(order: Order, sizes: Sequence[int], rng: np.random.Generator) -> Record:
    kernel = _draw_kernel(order, sizes, rng) if rng.random() < order.blur_share else None
    kind = int(rng.choice(3, p=order.resize_shares))
    low, high = order.resize_range
    factor = (rng.uniform(1, high), rng.uniform(low, 1), 1.0)[kind]
    gaussian = bool(rng.random() < order.gaussian_share)
    return {
        "kernel": kernel,
        "factor": float(factor),
        "mode": str(rng.choice(MODES)),
        "noise": "gaussian" if gaussian else "poisson",
        "amount": float(rng.uniform(*(order.noise_sigma if gaussian else order.poisson_scale))),
        "grey": bool(rng.random() < order.grey_share),
        "jpeg_quality": float(rng.uniform(*order.jpeg_quality)),
    }


def _draw_kernel(order: Order, sizes: Sequence[int], rng: np.random.Generator) -> Record:
    size = int(rng.choice(sizes))
    if rng.random() < order.sinc_share:
        return _draw_sinc(rng, size, np.pi / 3 if size < 13 else np.pi / 5)
    kind = str(rng.choice(KERNEL_KINDS, p=KERNEL_SHARES))
    sigma_x = float(rng.uniform(*order.blur_sigma))
    isotropic = kind.endswith("iso") and not kind.endswith("aniso")
    sigma_y = sigma_x if isotropic else float(rng.uniform(*order.blur_sigma))
    theta = 0.0 if isotropic else float(rng.uniform(-np.pi, np.pi))
    low, high = order.beta_plateau if kind.startswith("plateau") else order.beta_generalized
    beta = float(rng.uniform(low, 1) if rng.random() < 0.5 else rng.uniform(1, high))
    return {"kind": kind, "size": size, "sigma_x": sigma_x, "sigma_y": sigma_y, "theta": theta, "beta": beta}


def _draw_sinc(rng: np.random.Generator, size: int, lowest: float) -> Record:
    return {"kind": "sinc", "size": size, "cutoff": float(rng.uniform(lowest, np.pi))}


def _check(batch: Tensor, preset: Preset, seeds: Sequence[int]) -> None:
    if batch.ndim != 4 or batch.shape[1] != 3:
        raise ValueError(f"the batch has shape {tuple(batch.shape)}; it must be (B, 3, H, W), RGB")
    if len(seeds) != len(batch):
        raise ValueError(f"{len(seeds)} seeds for {len(batch)} images; give one each")
    height, width = batch.shape[-2:]
    if min(height, width) < MIN_SIDE_PX or height % preset.scale or width % preset.scale:
        raise ValueError(
            f"images are {width} x {height} px; sides must be multiples of {preset.scale} and at least {MIN_SIDE_PX}"
        )
    if not (batch.min() >= 0 and batch.max() <= 1):
        raise ValueError(f"values span {batch.min():.9g} to {batch.max():.9g}; they must be in [0, 1]")
