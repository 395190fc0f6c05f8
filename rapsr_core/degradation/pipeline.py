"""The second-order process (Real-ESRGAN, section 3): draw a record, then apply it.

EACH IMAGE OWNS ITS GENERATOR. `draw` turns (seed, preset, size) into a JSON record of every decision; `apply` turns image and record
into pixels, with noise fields drawn from the record's seed. So an image gives the same pixels alone or in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rapsr_core.degradation import operations as op
from rapsr_core.degradation.kernels import blur_kernel, pad_kernel, sinc_kernel
from rapsr_core.degradation.presets import KERNEL_KINDS, KERNEL_SHARES, KERNEL_SIZES_PX, Order, Preset

MODES = ("area", "bilinear", "bicubic")
MIN_SIDE_PX = 80
"""Smallest HQ side: below it the strongest first reduction leaves less than the 21-px kernel of the second order needs."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Degraded:
    """`image`: (B, 3, H/4, W/4), or (B, 3, H, W) when resized back; 8-bit levels before resizing back. One record an image."""

    image: Tensor
    records: list[Record]


def degrade(batch: Tensor, preset: Preset, seeds: Sequence[int], *, resize_back: bool = False) -> Degraded:
    """Degrade (B, 3, H, W) sRGB in [0, 1], image i with the generator of seeds[i] alone.

    Raises ValueError for a wrong shape or range, sides that are no multiple of the scale or under MIN_SIDE_PX, or seeds of
    another length.
    """
    _check(batch, preset, seeds)
    records = [draw(preset, seed, resize_back=resize_back) for seed in seeds]
    images = [apply(image[None], record) for image, record in zip(batch, records, strict=True)]
    return Degraded(torch.cat(images), records)


def replay(image: Tensor, record: Record) -> Tensor:
    """The very pixels `degrade` made of (3, H, W) or (1, 3, H, W) with this record."""
    return apply(image if image.ndim == 4 else image[None], record)


def draw(preset: Preset, seed: int, *, resize_back: bool = False) -> Record:
    """Every decision for one image, as plain JSON values."""
    rng = np.random.default_rng(seed)
    orders = [_draw_order(order, rng) for order in preset.orders]
    final = {
        "sinc": _draw_sinc(rng, 21, np.pi / 3) if rng.random() < preset.final_sinc_share else None,
        "mode": str(rng.choice(MODES)),
        "jpeg_last": bool(rng.random() < 0.5),
    }
    back = str(rng.choice(MODES)) if resize_back else None
    facts = {"preset": asdict(preset)["name"], "seed": int(seed), "scale": preset.scale, "usm": preset.usm}
    return {**facts, "orders": orders, "final": final, "resize_back": back}


def apply(image: Tensor, record: Record) -> Tensor:
    """Carry out a record on one image (1, 3, H, W)."""
    height, width = image.shape[-2:]
    low = (height // record["scale"], width // record["scale"])
    noise = np.random.default_rng([record["seed"], 1])
    x = op.usm_sharpen(image) if record["usm"] else image
    if not record["orders"]:
        x = torch.nn.functional.interpolate(x, size=low, mode="bicubic", antialias=True)
    else:
        first, second = record["orders"]
        x = _noise(op.resize_by(_blur(x, first), first["factor"], first["mode"]), first, noise)
        x = op.jpeg_codec(x, first["jpeg_quality"])
        size = tuple(max(1, int(side * second["factor"])) for side in low)
        x = _noise(op.resize_to(_blur(x, second), (size[0], size[1]), second["mode"]), second, noise)
        x = _finish(x, low, record)
    x = (x.clamp(0, 1) * 255).round() / 255
    if record["resize_back"]:
        x = op.resize_to(x, (height, width), record["resize_back"]).clamp(0, 1)
    return x


def _finish(x: Tensor, low: tuple[int, int], record: Record) -> Tensor:
    """The last half: [resize + sinc] and JPEG in either order."""
    final, quality = record["final"], record["orders"][1]["jpeg_quality"]

    def resized(y: Tensor) -> Tensor:
        y = op.resize_to(y, low, final["mode"])
        return op.filter2d(y, _kernel(final["sinc"])) if final["sinc"] else y

    return op.jpeg_codec(resized(x), quality) if final["jpeg_last"] else resized(op.jpeg_codec(x, quality))


def _blur(x: Tensor, order: Record) -> Tensor:
    return op.filter2d(x, _kernel(order["kernel"])) if order["kernel"] else x


def _noise(x: Tensor, order: Record, rng: np.random.Generator) -> Tensor:
    x = x.clamp(0, 1)
    if order["noise"] == "gaussian":
        shape = (1, 1 if order["grey"] else 3, *x.shape[-2:])
        normal = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(x)
        return op.add_gaussian(x, normal, order["amount"])
    rate, levels = op.poisson_rate(x, order["grey"])
    counts = torch.from_numpy(rng.poisson(rate.double().cpu().numpy())).to(x)
    return op.add_poisson(x, counts, rate, levels, order["amount"])


def _kernel(facts: Record) -> Tensor:
    if facts["kind"] == "sinc":
        kernel = sinc_kernel(facts["size"], facts["cutoff"])
    else:
        family = {"iso": "gaussian", "aniso": "gaussian"}.get(facts["kind"], facts["kind"].rsplit("_", 1)[0])
        sigmas = facts["sigma_x"], facts["sigma_y"], facts["theta"]
        kernel = blur_kernel(family, facts["size"], *sigmas, beta=facts["beta"])
    return torch.from_numpy(pad_kernel(kernel))


def _draw_order(order: Order, rng: np.random.Generator) -> Record:
    kernel = _draw_kernel(order, rng) if rng.random() < order.blur_share else None
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


def _draw_kernel(order: Order, rng: np.random.Generator) -> Record:
    size = int(rng.choice(KERNEL_SIZES_PX))
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
        raise ValueError(f"values span {batch.min():.3g} to {batch.max():.3g}; they must be in [0, 1]")
