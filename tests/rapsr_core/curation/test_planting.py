"""Planted failures: the same from the same seed, beside their twins."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rapsr_core.curation.planting import KINDS, disc, kinds_of, line, plant, read_truth

EXAMPLES = Path(__file__).parents[3] / "assets/examples"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("boats", "cat", "heron", "meadow", "lake"):
        image = Image.open(EXAMPLES / f"{name}.png").convert("RGB")
        image.resize((160, 120)).save(folder / f"{name}.png")
    return {path.name: path for path in folder.iterdir()}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "images").iterdir()}


def test_the_seed_decides_every_byte(photos: dict[str, Path], tmp_path: Path) -> None:
    rows = [plant(photos, tmp_path / name, 20, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert rows[0] == rows[1] != rows[2]
    assert files(tmp_path / "a") == files(tmp_path / "b") != files(tmp_path / "c")
    assert read_truth(tmp_path / "a/truth.tsv") == rows[0]


def test_every_failure_lies_beside_its_untouched_twin(photos: dict[str, Path], tmp_path: Path) -> None:
    rows = plant(photos, tmp_path, 30, 3)
    assert len([row for row in rows if row.kind != "twin"]) == 30
    assert {row.kind for row in rows} == {"twin", *(kind.name for kind in KINDS)}
    for row in rows:
        assert (tmp_path / "images" / row.twin).read_bytes() == photos[row.twin].read_bytes()
        assert (tmp_path / "images" / row.file).is_file()


@pytest.mark.parametrize("count", [20, 100, 200])
def test_kinds_come_in_their_shares(count: int) -> None:
    names = [kind.name for kind in kinds_of(count)]
    assert len(names) == count
    assert all(abs(names.count(kind.name) - kind.share * count) <= 1 for kind in KINDS)


def test_kernels_sum_to_one() -> None:
    for kernel in (disc(2.5), disc(6), line(8, 30), line(24, 135)):
        assert kernel.sum() == pytest.approx(1)
        assert np.all(kernel >= 0)
