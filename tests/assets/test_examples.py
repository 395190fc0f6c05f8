import json

import pytest

from rapsr_core import ASSETS
from rapsr_core.images import read

FOLDER = ASSETS / "examples"
ROWS = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
LICENCES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "Getty Open Content": "https://www.getty.edu/projects/open-content-program/",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_example(row):
    path = FOLDER / row["file"]
    image = read(path)
    assert 96 <= min(image.shape[-2:]) <= max(image.shape[-2:]) <= 160
    assert path.stat().st_size < 60_000
    assert row["licence_url"] == LICENCES[row["licence"]]
    assert all(row[key].strip() for key in ("title", "source", "author", "made"))
    assert row["file"] in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_there_are_enough_and_none_is_undocumented():
    assert len(ROWS) >= 8
    assert {row["file"] for row in ROWS} == {path.name for path in FOLDER.glob("*.png")}
    assert len({row["title"] for row in ROWS}) == len(ROWS)
