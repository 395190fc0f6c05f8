"""Stage 2's classical measures: monotone in the fault, and deaf to what is none."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from rapsr_core.curation import fidelity
from rapsr_core.curation import fidelity_measures as measures
from rapsr_core.curation.picture import Picture
from rapsr_core.curation.planting import disc, line


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    """(512, 512) luma of a sharp photograph."""
    from skimage.data import astronaut

    return (astronaut().astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)).astype(np.float32)


def limit(column: str) -> float:
    rule = next(r for r in fidelity.RULES if r.column == column)
    return rule.low if rule.low is not None else rule.high


def test_every_column_of_the_stage_is_measured(plane: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(plane[:192, :192].astype(np.uint8)).save(buffer, "PNG")
    row = fidelity.build()(Picture(buffer.getvalue()))
    assert list(row) == [column.name for column in fidelity.COLUMNS]
    assert all(value is not None for value in row.values())
    assert {rule.column for rule in fidelity.RULES} <= set(row)


def test_sharpness_falls_with_blur_and_passes_its_threshold(plane: np.ndarray) -> None:
    values = [measures.sharpness(ndimage.gaussian_filter(plane, s)) for s in (0, 0.7, 1.4, 2.5, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > limit("sharpness") > values[2]


@pytest.mark.parametrize("angle", [0, 40, 90, 130])
def test_motion_in_any_direction_is_not_sharp(plane: np.ndarray, angle: float) -> None:
    moved = [measures.sharpness(ndimage.convolve(plane, line(length, angle), mode="nearest")) for length in (5, 12)]
    assert limit("sharpness") > moved[1]
    assert measures.sharpness(plane) > moved[0]


def test_defocus_is_not_sharp_but_a_sharp_subject_before_it_is(plane: np.ndarray) -> None:
    soft = ndimage.convolve(plane, disc(4), mode="nearest")
    assert measures.sharpness(soft) < limit("sharpness")
    subject = soft.copy()
    subject[128:384, 128:384] = plane[128:384, 128:384]
    assert measures.sharpness(subject) > limit("sharpness")


def test_noise_is_estimated_in_grey_levels(plane: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    flat = np.full((256, 256), 128, dtype=np.float32)
    for sigma in (2, 5, 15, 30):
        noise = sigma * rng.standard_normal((512, 512)).astype(np.float32)
        assert measures.noise(flat + noise[:256, :256]) == pytest.approx(sigma, rel=0.1)
        assert measures.noise(plane + noise) == pytest.approx(sigma, rel=0.25)
    assert measures.noise(plane) < 1


def test_texture_is_not_noise() -> None:
    from skimage.data import brick, gravel

    assert max(measures.noise(texture().astype(np.float32)) for texture in (brick, gravel)) < limit("noise")


def test_blockiness_rises_as_jpeg_quality_falls_at_any_offset(plane: np.ndarray) -> None:
    def saved(quality: int) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(plane.astype(np.uint8)).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer), dtype=np.float32)

    values = [measures.blockiness(image) for image in (plane, saved(90), saved(60), saved(30), saved(15))]
    assert values == sorted(values)
    assert values[1] < limit("blockiness") < values[4]
    assert measures.blockiness(saved(15)[3:, 5:]) == pytest.approx(values[4], rel=0.05)
    assert values[0] < 0.1


def test_clipping_counts_black_and_white_pixels() -> None:
    plane = np.array([[0, 2, 128, 255]], dtype=np.float32)
    assert measures.clipped(plane) == (0.5, 0.25)
