"""Files, bytes, PIL images and arrays <-> checked (1, 3, H, W) float32 sRGB tensors in [0, 1].

What is done to a file, in this order: size check from the header, decoding (first frame of an animation), EXIF
orientation, embedded ICC profile -> sRGB, transparency composited on white. Nothing else is corrected: what cannot be
read as intended is an ImageError. 16-bit grey keeps its 16 bits (its profile is not applied); 16-bit colour is reduced
to 8 bits by Pillow's decoders.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms, ImageOps, PngImagePlugin
from torch import Tensor

MAX_PIXELS = 64_000_000
"""Largest image that is decoded at all (64 megapixels: 0.8 GB as float32)."""

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "ICO")
"""Pillow formats that are opened; HEIF joins them where pillow-heif is installed. JPEG includes MPO."""

FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML or SVG file"),
    (b"<!DOCTYPE", "an HTML or SVG file"),
    (b"PK\x03\x04", "an archive or office document"),
    (b"8BPS", "a Photoshop file"),
    (b"\x1aE\xdf\xa3", "a video"),
)
"""First bytes of files that people upload in place of a photograph."""

HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
"""Major brands of ISO/IEC 23008-12 that are not AVIF."""

REMEDY = "use PNG, JPEG, WebP or AVIF"

Source = str | Path | bytes | Image.Image | np.ndarray


class ImageError(ValueError):
    """An input is not a usable image; the message says what it is and what to do."""


def read(source: Source, name: str = "") -> Tensor:
    """Image as (1, 3, H, W) float32 sRGB in [0, 1].

    Args:
        source: a path, the bytes of a file, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4), uint8 in [0, 255],
            uint16 in [0, 65535] or float in [0, 1].
        name: what errors call it; empty = the path's last part, "the upload" for bytes.
    Raises:
        ImageError: not an image, damaged, over MAX_PIXELS, or an array of the wrong shape, type or range.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, name or "the array")
    if isinstance(source, Image.Image):
        _check_size(source, name or "the image")
        return _from_pil(source, name or "the image")
    with _opened(source, name or _name(source)) as image:
        return _from_pil(image, name or _name(source))


def to_uint8(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] -> (H, W, 3) uint8, clamped, rounded half to even."""
    return (image[0].detach().cpu().float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def png_bytes(image: Tensor, text: dict[str, str] | None = None) -> bytes:
    """(1, 3, H, W) in [0, 1] as an 8-bit RGB PNG; `text` becomes iTXt chunks (UTF-8)."""
    info = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", pnginfo=info, compress_level=4)
    return buffer.getvalue()


def save_png(image: Tensor, path: str | Path, text: dict[str, str] | None = None) -> Path:
    """Write `png_bytes` to `path`; returns the path."""
    Path(path).write_bytes(png_bytes(image, text))
    return Path(path)


def read_png_text(path: str | Path | bytes) -> dict[str, str]:
    """Text chunks (tEXt, zTXt, iTXt) of a PNG; {} when there are none. Raises ImageError when the file is not a PNG."""
    with _opened(path, _name(path)) as image:
        if not isinstance(image, PngImagePlugin.PngImageFile):
            raise ImageError(f"{_name(path)} is {image.format}, not PNG; recipes travel in PNG files only")
        _load(image, _name(path))  # text after the pixels counts as well
        return {key: str(value) for key, value in image.text.items()}


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bicubic (Keys 1981, a = -0.5) with antialiasing, as Pillow's: (B, 3, H, W) -> (B, 3, *size), in [0, 1]."""
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    return F.interpolate(image, size=tuple(size), mode="bicubic", antialias=True).clamp(0, 1)


# Opening


def _name(source: str | Path | bytes) -> str:
    return "the upload" if isinstance(source, bytes) else f"{Path(source).name!r}"


@contextmanager
def _opened(source: str | Path | bytes, name: str) -> Iterator[Image.Image]:
    """The file's image, size checked, pixels not yet decoded."""
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise ImageError(f"no file at {str(source)!r}")
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as data:
        image = _identify(data, name)
        _check_size(image, name)
        yield image


def _identify(data: BinaryIO, name: str) -> Image.Image:
    """As PIL.Image.open, whose own size check (178 megapixels, a global warning below) does not know MAX_PIXELS."""
    head = data.read(256)
    if not head:
        raise ImageError(f"{name} is empty (0 bytes); choose another file")
    Image.init()
    for format_name in (*FORMATS, "HEIF") if _heif_available() else FORMATS:
        factory, accepts = Image.OPEN[format_name]
        if accepts is None or accepts(head[:16]) is not True:  # a text means: this Pillow was built without the format
            continue
        data.seek(0)
        try:
            return factory(data, "")
        except (SyntaxError, IndexError, TypeError, ValueError, OSError, EOFError, struct.error) as error:
            raise ImageError(f"{name} is a damaged {format_name} file ({error}); {REMEDY}") from error
    raise ImageError(_not_an_image(head, name))


def _not_an_image(head: bytes, name: str) -> str:
    if head[4:8] == b"ftyp":
        if head[8:12] in HEIF_BRANDS:
            return f"{name} is a HEIC photograph and needs the package pillow-heif (pip install pillow-heif); or {REMEDY}"
        return f"{name} is a video or an AVIF file this Pillow cannot open; {REMEDY}"
    for start, kind in FOREIGN:
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(start):
            return f"{name} is {kind}, not a photograph; {REMEDY}"
    return f"{name} is not an image this studio can open; {REMEDY}"


def _heif_available() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} is {width} x {height} = {width * height / 1e6:.0f} megapixels; at most {MAX_PIXELS // 10**6} are "
            "opened: reduce or crop it first"
        )


# Decoding


def _load(image: Image.Image, name: str) -> None:
    try:
        image.seek(0)
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        raise ImageError(f"{name} is damaged or incomplete ({error}); save it again as PNG or JPEG") from error


def _from_pil(image: Image.Image, name: str) -> Tensor:
    _load(image, name)
    profile, source_format = image.info.get("icc_profile"), image.format
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        return _from_array(np.asarray(image), name)
    if image.mode.startswith("I"):
        return _from_array(_deep_grey(image, source_format, name), name)
    if image.mode in ("P", "PA", "RGBa") or (image.mode in ("1", "L", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if "A" in image.getbands() and image.mode != "LAB" else None
    colour = _to_srgb(image, profile, name)
    if alpha is not None:
        white = Image.new("RGB", colour.size, (255, 255, 255))
        white.paste(colour, mask=alpha)
        colour = white
    return _from_array(np.asarray(colour), name)


def _deep_grey(image: Image.Image, source_format: str | None, name: str) -> np.ndarray:
    """16-bit grey as uint16 (H, W). Pillow reads PGM as 32-bit integers up to 65535; elsewhere white is unknown."""
    if image.mode == "I" and source_format != "PPM":
        raise ImageError(f"{name} has 32-bit integer pixels, whose white is not defined; save it with 8 or 16 bits")
    return np.asarray(image).astype(np.uint16)


def _to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """RGB in sRGB. An embedded profile is honoured (relative colorimetric, black point compensation) unless it is for
    another colour space than the pixels, as viewers do. Without one, RGB and grey are taken as sRGB, and CMYK is
    inverted by Pillow.
    """
    stripped = {"RGBA": "RGB", "RGBX": "RGB", "LA": "L", "La": "L", "1": "L"}.get(image.mode)
    image = image.convert(stripped) if stripped else image
    space = {"RGB": "RGB ", "CMYK": "CMYK", "L": "GRAY"}.get(image.mode)
    if profile is None or space is None:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != space:
            return image.convert("RGB")
        converted = ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise ImageError(f"the colour profile in {name} cannot be used ({error}); save it without one, in sRGB") from error
    assert converted is not None
    return converted


def _from_array(array: np.ndarray, name: str) -> Tensor:
    if array.ndim == 2:
        array = array[..., None].repeat(3, -1)
    if array.ndim != 3 or array.shape[-1] not in (3, 4) or 0 in array.shape:
        raise ImageError(f"{name} has shape {array.shape}; give (H, W), (H, W, 3) or (H, W, 4)")
    scales = {"uint8": 255.0, "uint16": 65535.0, "float16": 1.0, "float32": 1.0, "float64": 1.0}
    if array.dtype.name not in scales:
        raise ImageError(f"{name} has {array.dtype} values; give uint8, uint16 or float in [0, 1]")
    values = array.astype(np.float32) / np.float32(scales[array.dtype.name])
    if array.dtype.kind == "f":
        _check_range(values, name)
    if values.shape[-1] == 4:
        values = values[..., :3] * values[..., 3:] + (1 - values[..., 3:])
    return torch.from_numpy(values).permute(2, 0, 1).contiguous()[None]


def _check_range(values: np.ndarray, name: str) -> None:
    if not np.isfinite(values).all():
        raise ImageError(f"{name} has {(~np.isfinite(values)).sum()} values that are NaN or infinite; floats must be in [0, 1]")
    if values.min() < 0 or values.max() > 1:
        raise ImageError(f"{name} has values from {values.min():.3g} to {values.max():.3g}; floats must be in [0, 1]")
