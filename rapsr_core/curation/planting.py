"""Planted failures: what a curation must reject, made from good photographs, each beside its untouched twin. Deterministic by seed.

The ranges are what a viewer sees at 1:1. Half of what could be told from the file's header is saved again, so that pixels must tell it.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy import ndimage

from rapsr_core.curation.planted_graphics import draw_graphic

Rng = np.random.Generator
Parameters = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """An encoded file. `suffix` is what its name ends in (not what it is, for a wrong extension)."""

    data: bytes
    suffix: str
    parameters: Parameters


@dataclass(frozen=True)
class Kind:
    """One kind of failure and its share of all that are planted."""

    name: str
    share: float
    make: Callable[[Image.Image, Rng], Failure]


@dataclass(frozen=True)
class Planted:
    """One row of truth.tsv. `kind` is "twin" for a photograph itself; `twin` is its file, the same for both."""

    file: str
    kind: str
    twin: str
    parameters: Parameters


def plant(photos: Mapping[str, Path], out: Path, count: int, seed: int) -> list[Planted]:
    """Write OUT/images and OUT/truth.tsv: `count` failures of the kinds' shares and the photographs they were made from.

    `photos`: name -> file, sRGB photographs. Each is used again only when all have been used. The rows depend on the
    seed and the names alone. Raises OSError for a file that cannot be read.
    """
    names = sorted(photos)
    np.random.default_rng(_number(seed, "order")).shuffle(names)
    folder = out / "images"
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, Planted] = {}
    for i, kind in enumerate(kinds_of(count)):
        name = names[i % len(names)]
        twin = f"{Path(name).stem}{photos[name].suffix}"
        if twin not in rows:
            (folder / twin).write_bytes(photos[name].read_bytes())
            rows[twin] = Planted(twin, "twin", twin, {})
        made = kind.make(Image.open(photos[name]).convert("RGB"), np.random.default_rng(_number(seed, f"{kind.name}/{name}")))
        file = f"{kind.name}-{i:04d}{made.suffix}"
        (folder / file).write_bytes(made.data)
        rows[file] = Planted(file, kind.name, twin, made.parameters)
    ordered = [rows[file] for file in sorted(rows)]
    write_truth(ordered, out / "truth.tsv")
    return ordered


def kinds_of(count: int) -> list[Kind]:
    """`count` kinds in their shares (largest remainders), interleaved, so that photographs meet kinds at random."""
    exact = [round(kind.share * count, 6) for kind in KINDS]
    numbers = [int(n) for n in exact]
    for i in sorted(range(len(KINDS)), key=lambda i: numbers[i] - exact[i])[: count - sum(numbers)]:
        numbers[i] += 1
    due = [((n + 0.5) / number, kind) for number, kind in zip(numbers, KINDS, strict=True) for n in range(number)]
    return [kind for _, kind in sorted(due, key=lambda row: row[0])]


def write_truth(rows: Sequence[Planted], path: Path) -> None:
    """Tab-separated: file, kind, twin, parameters (JSON)."""
    lines = ["file\tkind\ttwin\tparameters", *(f"{r.file}\t{r.kind}\t{r.twin}\t{json.dumps(r.parameters)}" for r in rows)]
    path.write_text("\n".join(lines) + "\n")


def read_truth(path: Path) -> list[Planted]:
    """The rows of `write_truth`."""
    fields = (line.split("\t") for line in path.read_text().splitlines()[1:])
    return [Planted(file, kind, twin, json.loads(parameters)) for file, kind, twin, parameters in fields]


# Kinds


def blurred(photo: Image.Image, rng: Rng) -> Failure:
    """Gaussian sigma 1.4 to 4 px, a disc of radius 2.5 to 6 px (defocus), or a line of 8 to 24 px (motion)."""
    shape = str(rng.choice(["gaussian", "defocus", "motion"]))
    pixels = np.asarray(photo, dtype=np.float32)
    if shape == "gaussian":
        strength: Parameters = {"sigma_px": round(float(rng.uniform(1.4, 4)), 2)}
        made = ndimage.gaussian_filter(pixels, (strength["sigma_px"],) * 2 + (0,), mode="nearest")
    elif shape == "defocus":
        strength = {"radius_px": round(float(rng.uniform(2.5, 6)), 2)}
        made = _convolved(pixels, disc(strength["radius_px"]))
    else:
        strength = {"length_px": round(float(rng.uniform(8, 24)), 1), "angle_deg": round(float(rng.uniform(0, 180)), 1)}
        made = _convolved(pixels, line(strength["length_px"], strength["angle_deg"]))
    return _saved(_image(made), rng, {"shape": shape, **strength})


def noisy(photo: Image.Image, rng: Rng) -> Failure:
    """Gaussian noise of sigma 10 to 35 grey levels, the same or independent in the channels, or shot noise of the same strength."""
    sigma, shape = float(rng.uniform(10, 35)), str(rng.choice(["grey", "colour", "shot"]))
    pixels = np.asarray(photo, dtype=np.float32)
    noise = rng.standard_normal(pixels.shape[:2] + ((1,) if shape == "grey" else (3,))).astype(np.float32)
    scale = np.sqrt(pixels / 128) if shape == "shot" else np.ones_like(pixels)
    return _saved(_image(pixels + np.float32(sigma) * scale * noise), rng, {"shape": shape, "sigma": round(sigma, 1)})


def jpeg(photo: Image.Image, rng: Rng) -> Failure:
    """JPEG of quality 15; half of them saved again as PNG or JPEG 95, cropped off the 8-px grid."""
    data = _encoded(photo, "JPEG", quality=15)
    if rng.random() < 0.5:
        return Failure(data, ".jpg", {"quality": 15, "saved_again": False})
    dx, dy = (int(n) for n in rng.integers(1, 8, 2))
    again = Image.open(io.BytesIO(data)).crop((dx, dy, photo.width, photo.height))
    return _saved(again, rng, {"quality": 15, "saved_again": True, "offset": [dx, dy]})


def upscaled(photo: Image.Image, rng: Rng) -> Failure:
    """A crop of half the sides enlarged to twice its size by a bilinear, bicubic or Lanczos filter: as large as the photograph."""
    name = str(rng.choice(["BILINEAR", "BICUBIC", "LANCZOS"]))
    width, height = photo.width // 2, photo.height // 2
    x, y = int(rng.integers(0, photo.width - width + 1)), int(rng.integers(0, photo.height - height + 1))
    part = photo.crop((x, y, x + width, y + height))
    return _saved(part.resize((width * 2, height * 2), Image.Resampling[name]), rng, {"filter": name.lower()})


def near_duplicate(photo: Image.Image, rng: Rng) -> Failure:
    """1 to 3 % cropped from each side, brightness changed by up to 8 %, reduced by up to 20 %, saved as JPEG 80 to 92."""
    left, top, right, bottom = rng.uniform(0.01, 0.03, 4)
    width, height = photo.size
    made = photo.crop((int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height)))
    brightness, scale, quality = float(rng.uniform(0.92, 1.08)), float(rng.uniform(0.8, 1)), int(rng.integers(80, 93))
    made = ImageEnhance.Brightness(made).enhance(brightness)
    made = made.resize((int(made.width * scale), int(made.height * scale)), Image.Resampling.LANCZOS)
    parameters = {"brightness": round(brightness, 3), "scale": round(scale, 3), "quality": quality}
    return Failure(_encoded(made, "JPEG", quality=quality), ".jpg", parameters)


def graphic(photo: Image.Image, rng: Rng) -> Failure:
    """A screenshot, chart or document, drawn, the photograph pasted into some of them."""
    made, parameters = draw_graphic(photo, rng)
    return _saved(made, rng, parameters)


def truncated(photo: Image.Image, rng: Rng) -> Failure:
    """A JPEG (baseline or progressive) or PNG cut after 15 to 85 % of its bytes."""
    share, progressive = float(rng.uniform(0.15, 0.85)), bool(rng.random() < 0.5)
    name = str(rng.choice(["JPEG", "JPEG", "PNG"]))
    data = _encoded(photo, name, **({"quality": 92, "progressive": progressive} if name == "JPEG" else {}))
    return Failure(data[: int(share * len(data))], SUFFIXES[name], {"format": name, "share": round(share, 2)})


def wrong_extension(photo: Image.Image, rng: Rng) -> Failure:
    """A photograph of one format named as another, or a web page named .jpg."""
    if rng.random() < 0.25:
        return Failure(b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n" * 40, ".jpg", {"is": "HTML"})
    real, said = (str(n) for n in rng.choice(["JPEG", "PNG", "WEBP"], 2, replace=False))
    return Failure(_encoded(photo, real, **({} if real == "PNG" else {"quality": 92})), SUFFIXES[said], {"is": real})


def bomb(photo: Image.Image, rng: Rng) -> Failure:
    """A PNG of some 60 kB that declares, and really holds, over 400 megapixels of black; the photograph is not used."""
    side = int(rng.integers(20_000, 24_000))
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes((side + 7) // 8 + 1)) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = b"".join(_chunk(name, body) for name, body in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")))
    return Failure(b"\x89PNG\r\n\x1a\n" + chunks, ".png", {"side_px": side})


SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}

KINDS = (
    Kind("blurred", 0.15, blurred),
    Kind("noisy", 0.125, noisy),
    Kind("jpeg", 0.125, jpeg),
    Kind("upscaled", 0.175, upscaled),
    Kind("near-duplicate", 0.15, near_duplicate),
    Kind("graphic", 0.125, graphic),
    Kind("truncated", 0.05, truncated),
    Kind("wrong-extension", 0.06, wrong_extension),
    Kind("bomb", 0.04, bomb),
)


# Parts


def disc(radius_px: float) -> NDArray[np.float32]:
    """A uniform disc with an antialiased rim, sum 1: defocus without diffraction."""
    reach = int(np.ceil(radius_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return kernel / kernel.sum()


def line(length_px: float, angle_deg: float) -> NDArray[np.float32]:
    """A line of uniform weight, one pixel wide, sum 1: motion of constant speed."""
    reach = int(np.ceil(length_px / 2))
    kernel = np.zeros((2 * reach + 1,) * 2, dtype=np.float32)
    for t in np.linspace(-length_px / 2, length_px / 2, 8 * reach):
        y, x = t * np.sin(np.deg2rad(angle_deg)) + reach, t * np.cos(np.deg2rad(angle_deg)) + reach
        kernel[round(y), round(x)] += 1
    return kernel / kernel.sum()


def _convolved(pixels: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([ndimage.convolve(pixels[..., c], kernel, mode="nearest") for c in range(3)], -1)


def _image(pixels: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _saved(image: Image.Image, rng: Rng, parameters: Parameters) -> Failure:
    """As PNG, JPEG 95 or JPEG 90, a third each."""
    quality = int(rng.choice([0, 90, 95]))
    if not quality:
        return Failure(_encoded(image, "PNG"), ".png", {**parameters, "saved": "PNG"})
    return Failure(_encoded(image, "JPEG", quality=quality), ".jpg", {**parameters, "saved": f"JPEG {quality}"})


def _encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _number(seed: int, text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{text}".encode()).digest()[:8], "big")
