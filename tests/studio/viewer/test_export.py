import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from viewer_site import HEIGHT_PX, WIDTH_PX, pictures

from studio import viewer
from studio.viewer import Picture, ScoreRow, export

CSS_FILES = ("viewer.css", "page.css")


@pytest.fixture
def shown(tmp_path: Path) -> list[Picture]:
    return pictures(tmp_path)


def value_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="value">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def test_the_page_holds_the_very_files(shown: list[Picture]) -> None:
    value = value_of(export.comparison_page(shown, "boats", "{}"))
    assert (value["left"], value["right"]) == ("baseline", "enhanced")
    for image, picture in zip(value["images"], shown, strict=True):
        head, data = image["file"]["url"].split(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data) == picture.path.read_bytes()
        assert [tuple(row.values()) for row in image["scores"]] == [tuple(row) for row in picture.scores]


def test_the_page_has_the_one_viewer_and_asks_for_nothing(shown: list[Picture]) -> None:
    page = export.comparison_page(shown, "boats", "{}")
    for part in (viewer.markup(), viewer.style(), viewer.script()):
        assert part in page
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|url\((?!data:)|@import|https?://""", page)


def test_text_cannot_become_markup(shown: list[Picture]) -> None:
    bad = "</script><script>alert(1)</script> $title ${1+1}"
    page = export.comparison_page([replace(shown[0], label=bad, alt=bad, note=bad, scores=(ScoreRow(bad, bad, True),))], bad, bad)
    assert "<script>alert" not in page
    (image,) = value_of(page)["images"]
    assert image["label"] == image["note"] == image["alt"] == image["scores"][0]["text"] == bad


def test_no_script_ends_a_script_element_early() -> None:
    assert "</script" not in viewer.script().lower()
    assert "<!--" not in viewer.script()


def test_every_script_file_is_joined_in_once() -> None:
    folder = Path(viewer.__file__).parent / "js"
    assert sorted(viewer.SCRIPTS) == sorted(path.stem for path in folder.iterdir())
    for path in folder.iterdir():
        assert viewer.script().count(path.read_text(encoding="utf-8")) == 1


def test_the_page_defines_every_colour_the_viewer_takes_from_the_theme() -> None:
    css, page = ((Path(viewer.__file__).parent / name).read_text(encoding="utf-8") for name in CSS_FILES)
    used = set(re.findall(r"var\((--[\w-]+)", css)) - {"--branch", "--shape"}
    assert used <= set(re.findall(r"(--[\w-]+):", page))


def test_a_branch_has_one_colour_everywhere() -> None:
    folder = Path(viewer.__file__).parent
    for text in ((folder.parent / "studio.css").read_text(), (folder / "page.css").read_text()):
        assert dict(re.findall(r"--tone-(\w+): (#\w+)", text)) == export.TONES


def test_side_by_side_keeps_every_pixel_and_stands_them_in_a_row(shown: list[Picture]) -> None:
    sheet = np.asarray(export.side_by_side(shown))
    left = export.MARGIN_PX
    top = sheet.shape[0] - export.MARGIN_PX - HEIGHT_PX
    for picture in shown:
        with Image.open(picture.path) as image:
            truth = np.asarray(image.convert("RGB"))
        assert (sheet[top : top + HEIGHT_PX, left : left + WIDTH_PX] == truth).all(), picture.name
        left += WIDTH_PX + export.GAP_PX
    assert left - export.GAP_PX + export.MARGIN_PX == sheet.shape[1]


def test_side_by_side_writes_label_note_and_scores_above_each(shown: list[Picture]) -> None:
    plain = [replace(p, label="", scores=()) for p in shown]
    head = export.side_by_side(shown).height - export.side_by_side(plain).height
    assert head > 40
    sheet = np.asarray(export.side_by_side(shown).convert("L"))
    top = sheet.shape[0] - export.MARGIN_PX - HEIGHT_PX - 8
    for i in range(len(shown)):
        left = export.MARGIN_PX + i * (WIDTH_PX + export.GAP_PX)
        assert (sheet[:top, left : left + WIDTH_PX] < 128).sum() > 200, shown[i].name


def test_side_by_side_breaks_long_labels_and_takes_pictures_of_different_sizes(shown: list[Picture], tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    Image.new("RGB", (40, 700), (200, 30, 10)).save(small)
    narrow = Picture("cell", "a very long label " * 6, "", small, 40, 700, note="seed 3")
    sheet = export.side_by_side([narrow, shown[0]])
    assert sheet.width == 2 * export.MARGIN_PX + export.NARROWEST_PX + export.GAP_PX + WIDTH_PX
    array = np.asarray(sheet)
    top = sheet.height - export.MARGIN_PX - 700
    assert (array[top:, export.MARGIN_PX : export.MARGIN_PX + 40][:700] == (200, 30, 10)).all()
    column = array[:, export.MARGIN_PX + export.NARROWEST_PX : export.MARGIN_PX + export.NARROWEST_PX + export.GAP_PX]
    assert (column == 255).all(), "a label runs into the next picture"


def test_a_kept_result_has_the_colour_of_its_branch(shown: list[Picture]) -> None:
    kept = replace(shown[2], name="4f2a-baseline", label="Embedded upscaler · Baseline", note="kept")
    sheet = export.side_by_side([kept])
    bar = sheet.height - export.MARGIN_PX - HEIGHT_PX - 5
    assert "#{:02x}{:02x}{:02x}".format(*sheet.getpixel((export.MARGIN_PX, bar))) == export.TONES["baseline"]
