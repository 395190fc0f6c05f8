"""Stage 1: admission. What the file is, how large, and whether its pixels are those of a photograph at its own size.

Thresholds: train.plant, photographs of eight packages, seeds 1 and 11 (`tests/bench/planted.py`), unless a column says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

from rapsr_core.curation import admission_measures as measures
from rapsr_core.curation.columns import Column, Row, Rule
from rapsr_core.curation.file_facts import format_and_quality, suffix_agrees
from rapsr_core.curation.hashing import perceptual_hash
from rapsr_core.curation.picture import Picture

COLUMNS = (
    Column("digest", "SHA-256", "text", "neither", "", "Equal for exact duplicates.", "FIPS 180-4"),
    Column("phash", "Perceptual hash", "text", "neither", "", "64 bits; near duplicates differ in few.", "hashing.perceptual_hash"),
    Column("format", "Format", "text", "neither", "", "By content, not by name.", "Pillow"),
    Column("suffix_agrees", "Name agrees with format", "number", "high", "", "1 or 0.", "file_facts.suffix_agrees"),
    Column("width", "Width", "number", "high", "px", "Upright.", ""),
    Column("height", "Height", "number", "high", "px", "Upright.", ""),
    Column("short_side", "Short side", "number", "high", "px", "Training crops are 512 px.", "RAP-SR's dataset.py crops to 512"),
    Column("aspect", "Aspect", "number", "low", "", "Long side over short side; panoramas and banners are above 3.", "by eye"),
    Column("megapixels", "Megapixels", "number", "high", "MP", "Million pixels.", ""),
    Column("colourfulness", "Colourfulness", "number", "high", "", "0 grey, 15 slightly, 33 moderately, 59 quite colourful.",
           "Hasler & Suesstrunk 2003; below 3 is grey or toned"),
    Column("jpeg_quality", "JPEG quality", "number", "high", "",
           "Of libjpeg's scale, from the quantisers; none for other formats.", "file_facts.jpeg_quality; usual web quality is 75"),
    Column("fine_detail", "Fine detail", "number", "high", "dB",
           "Spectrum beyond half of Nyquist over that below it; enlarged pictures are empty there.",
           "admission_measures.fine_detail; threshold calibrated"),
    Column("frame", "Frame", "number", "low", "share", "Uniform frame or letterbox, share of the side.", "admission_measures.frame_share"),
    Column("flat", "Flat blocks", "number", "low", "share", "8-px blocks of one exact level.", "admission_measures.flat_share"),
    Column("graphic", "Drawn graphic", "number", "low", "",
           "Few levels and edges beside exactly flat areas: text, charts, screenshots.",
           "admission_measures.graphic; threshold calibrated"),
    Column("overlay", "Overlay", "number", "low", "",
           "Drawn edges in a cell of the upper or lower rim beyond the rest: captions, dates, opaque logos; not faint or tiled watermarks.",
           "admission_measures.overlay"),
)  # fmt: skip

RULES = (
    Rule("suffix_agrees", low=1, missing="pass"),
    Rule("short_side", low=512),
    Rule("aspect", high=3),
    Rule("jpeg_quality", low=70, missing="pass"),
    Rule("fine_detail", low=-13.0),
    Rule("frame", high=0.01),
    Rule("graphic", high=0.36),
)


def build() -> Callable[[Picture], Row]:
    """Measures every column of the stage. The returned function raises ImageError for data that is no usable image."""
    return measure


def measure(picture: Picture) -> Row:
    """One row: file facts, size and pixels."""
    height, width = picture.image.shape[-2:]
    luma = picture.luma
    format_name, quality = format_and_quality(picture.data)
    return {
        "digest": picture.digest,
        "phash": perceptual_hash(luma),
        "format": format_name,
        "suffix_agrees": suffix_agrees(picture.name, format_name),
        "width": width,
        "height": height,
        "short_side": min(width, height),
        "aspect": max(width, height) / min(width, height),
        "megapixels": width * height / 1e6,
        "colourfulness": measures.colourfulness(picture.image),
        "jpeg_quality": quality,
        "fine_detail": measures.fine_detail(luma),
        "frame": measures.frame_share(luma),
        "flat": measures.flat_share(luma),
        "graphic": measures.graphic(luma),
        "overlay": measures.overlay(luma),
    }
