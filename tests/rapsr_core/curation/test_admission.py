"""Stage 1 on real photographs and on what is done to them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from rapsr_core.curation import admission, planting
from rapsr_core.curation import admission_measures as measures
from rapsr_core.curation.file_facts import format_and_quality, suffix_agrees
from rapsr_core.curation.hashing import perceptual_hash
from rapsr_core.curation.picture import Picture
from rapsr_core.images import ImageError

EXAMPLES = Path(__file__).parents[3] / "assets/examples"


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A photograph of 512 x 512 px or so, sharp: reduced from scikit-image's."""
    from skimage.data import astronaut

    return Image.fromarray(astronaut())


def encoded(image: Image.Image, name: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def luma(image: Image.Image) -> np.ndarray:
    return Picture(encoded(image)).luma


def distance(a: str, b: str) -> int:
    return (int(a, 16) ^ int(b, 16)).bit_count()


def test_a_row_has_every_column_and_rules_are_for_columns(photo: Image.Image) -> None:
    row = admission.build()(Picture(encoded(photo, "JPEG", quality=90), "a/photo.jpg"))
    assert list(row) == [column.name for column in admission.COLUMNS]
    assert {rule.column for rule in admission.RULES} <= set(row)
    assert (row["format"], row["jpeg_quality"], row["suffix_agrees"], row["short_side"]) == ("JPEG", 90, 1, 512)


@pytest.mark.parametrize("quality", [15, 50, 75, 95])
def test_jpeg_quality_is_read_from_the_quantisers(photo: Image.Image, quality: int) -> None:
    assert format_and_quality(encoded(photo, "JPEG", quality=quality)) == ("JPEG", quality)


@pytest.mark.parametrize(("name", "expected"), [("x.jpg", 0), ("x.PNG", 1), ("x", None), ("x.txt", None)])
def test_a_name_is_held_against_the_content(name: str, expected: float | None) -> None:
    assert suffix_agrees(name, "PNG") == expected


@pytest.mark.parametrize("kind", [planting.truncated, planting.bomb])
def test_cut_files_and_bombs_are_image_errors(photo: Image.Image, kind: object) -> None:
    for seed in range(2):
        made = kind(photo, np.random.default_rng(seed))
        with pytest.raises(ImageError, match=r"damaged or incomplete|megapixels; at most"):
            admission.measure(Picture(made.data))


def test_a_web_page_named_jpg_says_what_it_is() -> None:
    with pytest.raises(ImageError, match="HTML"):
        admission.measure(Picture(b"<!DOCTYPE html><html></html>" * 20, "x.jpg"))


@pytest.mark.parametrize("name", ["BILINEAR", "BICUBIC", "LANCZOS"])
def test_enlarging_takes_fine_detail_away_and_more_takes_more(photo: Image.Image, name: str) -> None:
    how = Image.Resampling[name]
    sizes = [photo, *(photo.resize((512 // n, 512 // n), Image.Resampling.LANCZOS).resize((512, 512), how) for n in (2, 4))]
    values = [measures.fine_detail(luma(image)) for image in sizes]
    assert values[0] > -13 > values[1]
    assert values[2] < -13


def test_a_frame_is_measured_and_a_plain_sky_is_none(photo: Image.Image) -> None:
    framed = Image.new("RGB", (512, 592))
    framed.paste(photo, (0, 40))
    assert measures.frame_share(luma(framed)) == pytest.approx(80 / 592, abs=0.005)
    assert measures.frame_share(luma(photo)) == 0
    slope = np.repeat(np.linspace(200, 100, 400, dtype=np.float32)[:, None], 400, 1)
    assert measures.frame_share(slope) == 0


def test_drawn_pictures_are_told_from_photographs(photo: Image.Image) -> None:
    drawn = [measures.graphic(luma(planting.draw_graphic(photo, np.random.default_rng(n))[0])) for n in range(5)]
    real = [measures.graphic(Picture((EXAMPLES / f"{n}.png").read_bytes()).luma) for n in ("boats", "cat", "heron", "meadow")]
    assert min(drawn) > 0.36 > max(real)


def test_a_caption_raises_the_overlay(photo: Image.Image) -> None:
    stamped = photo.copy()
    pen = ImageDraw.Draw(stamped)
    pen.rectangle((0, 460, 512, 512), fill=(20, 20, 20))
    pen.text((10, 464), "Copyright 2024 example studio", (255, 255, 255), ImageFont.load_default(30))
    assert measures.overlay(luma(stamped)) > measures.overlay(luma(photo)) + 0.3


def test_grey_has_no_colourfulness_and_saturation_raises_it(photo: Image.Image) -> None:
    from PIL import ImageEnhance

    images = [ImageEnhance.Color(photo).enhance(factor) for factor in (0, 0.5, 1, 2)]
    values = [measures.colourfulness(Picture(encoded(image)).image) for image in images]
    assert values[0] < 1
    assert values == sorted(values)


def test_near_duplicates_are_near_and_different_photographs_are_not(photo: Image.Image) -> None:
    own = perceptual_hash(luma(photo))
    again = [planting.near_duplicate(photo, np.random.default_rng(seed)).data for seed in range(6)]
    assert max(distance(own, perceptual_hash(Picture(data).luma)) for data in again) <= 12
    assert distance(own, perceptual_hash(Picture((EXAMPLES / "cat.png").read_bytes()).luma)) > 14
    assert len(own) == 16


def test_a_picture_below_one_tile_has_no_fine_detail() -> None:
    assert measures.fine_detail(np.zeros((40, 200), dtype=np.float32)) is None
