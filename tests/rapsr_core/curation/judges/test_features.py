"""Hand-crafted features on pictures whose value is known."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from rapsr_core.curation.judges import features
from rapsr_core.curation.judges.appeal import COMPONENTS, FORMULA, appeal
from rapsr_core.curation.judges.table import JUDGES
from rapsr_core.curation.picture import Picture
from rapsr_core.images import ImageError, png_bytes, resize

RANDOM = np.random.default_rng(0)


def grey(value: float, size: tuple[int, int] = (96, 96)) -> np.ndarray:
    return np.full(size, value)


def pasted(patch: np.ndarray, y: int, x: int, size: int = 192) -> np.ndarray:
    """`patch` on grey at (y, x)."""
    picture = grey(0.5, (size, size))
    picture[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    return picture


def test_exposure_is_one_at_middle_grey_falls_off_as_mertens_says_and_counts_clipping():
    assert features.exposure(grey(0.5)) == 1
    assert features.exposure(grey(0.7)) == pytest.approx(np.exp(-0.5))
    half_white = grey(0.5)
    half_white[:48] = 1.0
    assert features.exposure(half_white) == pytest.approx(0.5 * np.exp(-(0.25**2) / 0.08))
    assert features.exposure(grey(0.0)) == 0


def test_contrast_is_the_middle_98_percent_of_the_histogram():
    assert features.contrast(np.linspace(0, 1, 10001)[None]) == pytest.approx(0.98)
    assert features.contrast(grey(0.3)) == 0


def test_colourfulness_is_zero_for_grey_and_as_the_formula_says_for_two_colours():
    assert features.colourfulness(np.tile(RANDOM.random((1, 40, 40)), (3, 1, 1))) == pytest.approx(0)
    halves = np.zeros((3, 10, 10))
    halves[0, :5], halves[1, 5:] = 1, 1  # red above green: rg = +-255, yb = 127.5
    assert features.colourfulness(halves) == pytest.approx(255 + 0.3 * 127.5)
    assert features.colour(halves) == 1


def test_harmony_counts_hues():
    def hues(*colours: tuple[float, float, float]) -> float:
        return features.harmony(np.repeat(np.array(colours).T[:, :, None], 30, 2))

    red, green, blue, magenta = (0.8, 0, 0), (0, 0.8, 0), (0, 0, 0.8), (0.8, 0, 0.8)
    assert hues(red) == 1
    assert hues(red, green) == pytest.approx(1 - 1 / 19)
    assert hues(red, green, blue, magenta) == pytest.approx(1 - 3 / 19)
    assert hues((0.4, 0.4, 0.4), (0.9, 0.9, 0.9)) == 1


def scene(y: int, x: int) -> np.ndarray:
    """A busy subject at (y, x) before a background with the 1 / f spectrum of photographs, without which the residual means nothing."""
    frequencies = np.fft.fftfreq(192)
    fall = np.hypot(frequencies[:, None], frequencies[None]) + 1 / 192
    clouds = np.fft.ifft2(np.fft.fft2(RANDOM.normal(size=(192, 192))) / fall**1.5).real
    picture = 0.5 + 0.08 * (clouds - clouds.mean()) / clouds.std()
    picture[y : y + 24, x : x + 24] = RANDOM.random((24, 24))
    return picture.clip(0, 1)


def test_thirds_is_higher_for_a_subject_on_a_power_point_than_in_the_middle_and_lowest_in_a_corner():
    assert features.thirds(scene(52, 52)) > 0.95
    assert features.thirds(scene(116, 52)) > 0.95
    assert 0.7 < features.thirds(scene(84, 84)) < 0.9
    assert features.thirds(scene(4, 4)) < 0.6


def test_saliency_is_a_share_of_mass_at_the_subject():
    found = features.saliency(scene(52, 52))
    assert found.sum() == pytest.approx(1)
    assert found[15:28, 15:28].sum() > 0.9


def test_simplicity_is_the_area_free_of_edges():
    assert features.simplicity(RANDOM.random((192, 192))) < 0.06
    assert features.simplicity(pasted(RANDOM.random((96, 96)), 40, 40)) == pytest.approx(1 - 0.25, abs=0.05)
    assert features.simplicity(grey(0.5)) == 0


def test_focus_is_one_for_detail_in_the_middle_and_zero_for_even_or_outer_detail():
    assert features.focus(pasted(RANDOM.random((80, 80)), 56, 56)) == 1
    assert features.focus(RANDOM.random((192, 192))) == pytest.approx(0, abs=0.02)
    assert features.focus(pasted(RANDOM.random((40, 40)), 0, 0)) == 0


def test_sharpness_falls_with_blur():
    sharp = RANDOM.random((128, 128))
    values = [features.sharpness(gaussian_filter(sharp, sigma)) for sigma in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1 and values[-1] < 0.1


def test_appeal_is_the_weighted_mean_that_the_formula_says():
    photo = Picture(png_bytes(torch.rand(1, 3, 150, 200, generator=torch.Generator().manual_seed(0))))
    row = JUDGES["embedded"].build("embedded", "")(photo)
    assert set(row) == {c.name for c in JUDGES["embedded"].columns}
    assert row["judge"] == "embedded"
    weights = {name: float(weight) for weight, name in (term.split() for term in FORMULA.split(")")[0][1:].split(" + "))}
    assert row["appeal"] == pytest.approx(sum(w * row[f"appeal_{n}"] for n, w in weights.items()) / sum(weights.values()))
    assert len(weights) == len(COMPONENTS)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (700, 20)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_appeal_of_flat_and_narrow_pictures_is_finite(size, value):
    row = appeal(Picture(png_bytes(torch.full((1, 3, *size), value))))
    assert all(np.isfinite(v) and 0 <= v <= 1 for v in row.values()), row


def test_appeal_of_a_damaged_file_is_an_image_error():
    with pytest.raises(ImageError, match="damaged or incomplete"):
        appeal(Picture(png_bytes(torch.rand(1, 3, 64, 64))[:4000]))


def test_appeal_hardly_depends_on_the_number_of_pixels():
    large = resize(torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(2)), (900, 1200))
    values = [appeal(Picture(png_bytes(resize(large, size))))["appeal"] for size in ((900, 1200), (450, 600))]
    assert values[0] == pytest.approx(values[1], abs=0.02)
