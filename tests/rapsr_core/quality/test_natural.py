"""Our NIQE, BRISQUE, PIQE and IL-NIQE against pyiqa's (through its public call) on the calibration pairs inside pyiqa."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyiqa
import pytest
import torch
from torch import Tensor

from rapsr_core.curation.picture import Picture
from rapsr_core.images import read, resize
from rapsr_core.quality import METRICS, score
from rapsr_core.quality.natural import NATURAL, Features, NaturalError, natural_scores
from rapsr_core.quality.natural.aggd import fit_aggd
from rapsr_core.quality.natural.filters import resize as matlab_resize
from rapsr_core.quality.natural.gaussian_model import mahalanobis
from rapsr_core.quality.natural.weibull import fit_weibull
from rapsr_core.quality.table import PARAMETERS

CALIBRATION = Path(find_spec("pyiqa").origin).parents[1] / "ResultsCalibra"
LIVE = ("niqe", "brisque", "piqe")


def calibration(folder: str, name: str) -> Tensor:
    return read(next(p for p in (CALIBRATION / folder).iterdir() if p.stem.upper() == name))


def reduced_and_back() -> Tensor:
    image = calibration("ref_dir", "I19")
    return resize(resize(image, (96, 128)), (383, 511))


def with_noise() -> Tensor:
    image = calibration("ref_dir", "I08")[..., 30:300, 40:441]
    return (image + 0.1 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


CASES: dict[str, Callable[[], Tensor]] = {
    **{f"{name} degraded": functools.partial(calibration, "dist_dir", name) for name in ("I03", "I04", "I06", "I08", "I19")},
    "I03 odd crop": lambda: calibration("ref_dir", "I03")[..., 7:370, 11:332],
    "I04 one block": lambda: calibration("ref_dir", "I04")[..., 50:147, 60:251],
    "I06 multiple of 96": lambda: calibration("ref_dir", "I06")[..., :288, :384],
    "I08 with noise": with_noise,
    "I19 reduced and enlarged": reduced_and_back,
}


@functools.cache
def oracle(name: str) -> torch.nn.Module:
    file = METRICS[name].parameters
    options = {"pretrained_model_path": str(PARAMETERS / file)} if file else {}
    return pyiqa.create_metric(name, device=torch.device("cpu"), **options)


@pytest.mark.parametrize("case", CASES)
def test_niqe_brisque_and_piqe_are_those_of_pyiqa(case: str) -> None:
    """BRISQUE within .02, because pyiqa adds up 774 terms of up to 1024 in float32. Where pyiqa itself depends on the last bit of the image
    (a flat patch whose signs are rounding's), any of its values will do: another processor rounds otherwise."""
    image = CASES[case]()
    found = natural_scores(image, LIVE)
    for name, absolute in zip(LIVE, (0, 0.02, 0), strict=True):
        values = [float(oracle(name)(other)) for other in (image, *last_bits(image))]
        spare = max(2e-4 * values[0], absolute)
        assert min(values) - spare <= found[name] <= max(values) + spare, name


def last_bits(image: Tensor) -> list[Tensor]:
    """Six images a rounding of float32 away."""
    generator = torch.Generator().manual_seed(0)
    return [image + (torch.rand(image.shape, generator=generator) - 0.5) * 2e-7 for _ in range(6)]


ILNIQE = {
    "I03 degraded": 115.61771482715686,
    "I04 degraded": 24.071182363838325,
    "I06 degraded": 19.75327607361099,
    "I08 degraded": 22.336581658830912,
    "I19 degraded": 54.836201126253506,
    "I03 odd crop": 30.522442134987653,
}
"""pyiqa 0.1.16 with our parameter file. They stand here because it takes 15 s for each."""


@pytest.mark.parametrize("case", ILNIQE)
def test_ilniqe_is_that_of_pyiqa(case: str) -> None:
    assert natural_scores(CASES[case](), ["ilniqe"])["ilniqe"] == pytest.approx(ILNIQE[case], rel=4e-3)


@pytest.mark.slow
def test_the_ilniqe_listed_here_is_what_pyiqa_computes() -> None:
    case = "I03 odd crop"
    assert float(oracle("ilniqe")(CASES[case]())) == pytest.approx(ILNIQE[case], rel=1e-5)


SCORES_AS_BYTES = """
import sys, torch
from rapsr_core.quality.natural import NATURAL, natural_scores
torch.set_num_threads(int(sys.argv[1]))
image = torch.rand(1, 3, 301, 417, generator=torch.Generator().manual_seed(3))
image[..., :150, :200] = 0.5
print({name: value.hex() for name, value in natural_scores(image, list(NATURAL)).items()})
"""


def test_no_score_depends_on_the_number_of_threads() -> None:
    """Of torch, OpenMP and BLAS, which is set before the libraries load: two processes."""
    running = []
    for threads in ("1", "2"):
        environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        command = [sys.executable, "-c", SCORES_AS_BYTES, threads]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    one, two = (process.communicate()[0] for process in running)
    assert one == two and one.count("0x1") == len(NATURAL)


def test_sharing_features_changes_no_bit() -> None:
    image = CASES["I03 odd crop"]()
    together = natural_scores(image, list(NATURAL))
    assert together == {name: natural_scores(image, [name])[name] for name in reversed(NATURAL)}


def test_a_picture_of_the_pool_is_scored_by_its_view() -> None:
    picture = Picture(next(p for p in (CALIBRATION / "ref_dir").iterdir() if p.stem.upper() == "I06").read_bytes())
    assert natural_scores(picture.view, ["piqe"])["piqe"] == score(picture.view, ["piqe"])["piqe"].value


@pytest.mark.parametrize("name", ["niqe", "brisque", "ilniqe"])
def test_a_flat_image_has_no_score(name: str) -> None:
    with pytest.raises(NaturalError, match=r"flat|one brightness"):
        natural_scores(torch.full((1, 3, 128, 128), 0.5), [name])
    assert "undefined" in score(torch.full((1, 3, 128, 128), 0.5), [name])[name].error


def test_piqe_of_a_flat_image_is_the_worst_and_of_a_black_one_undefined() -> None:
    assert natural_scores(torch.full((1, 3, 64, 64), 0.5), ["piqe"]) == {"piqe": 100.0}
    with pytest.raises(NaturalError, match="black"):
        natural_scores(torch.zeros(1, 3, 64, 64), ["piqe"])


@pytest.mark.parametrize(("name", "side"), [("niqe", 95), ("brisque", 13), ("piqe", 15)])
def test_too_small_an_image_is_refused_with_its_size_and_one_pixel_more_is_scored(name: str, side: int) -> None:
    image = torch.rand(1, 3, side + 1, 120, generator=torch.Generator().manual_seed(0))
    with pytest.raises(NaturalError, match=f"{side + 1} px a side; this image is 120 x {side}"):
        natural_scores(image[..., :side, :], [name])
    assert np.isfinite(natural_scores(image, [name])[name])


def test_the_half_of_a_cut_is_the_resized_cut() -> None:
    features = Features(CASES["I03 odd crop"]())
    expected = matlab_resize(features.full.plane[:288, :288], (144, 144), (0.5, 0.5))
    assert np.array_equal(features.half_of_cut(288, 288), expected)
    assert not np.array_equal(features.half.plane[:144, :144], expected)


def test_fits_find_the_parameters_of_samples() -> None:
    random = np.random.default_rng(0)
    left, right = np.abs(random.normal(0, 1, 40_000)), np.abs(random.normal(0, 2, 80_000))
    fit = fit_aggd(np.concatenate([-left, right])[None])
    assert (fit.shape[0], fit.left[0], fit.right[0]) == pytest.approx((2, 1, 2), rel=0.03)
    scale, shape = fit_weibull(np.log(3 * random.weibull(1.7, (1, 100_000))))
    assert (scale[0], shape[0]) == pytest.approx((3, 1.7), rel=0.01)


def test_distances_are_those_of_the_inverse() -> None:
    random = np.random.default_rng(0)
    root, differences = random.normal(size=(40, 40)), random.normal(size=(5, 40))
    covariance = root @ root.T
    expected = np.sqrt(np.sum(differences @ np.linalg.inv(covariance) * differences, 1))
    assert mahalanobis(covariance, differences) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(np.linalg.LinAlgError, match="pivot 0"):
        mahalanobis(-covariance, differences)
