import io
from pathlib import Path

import gradio as gr
import pytest
from gradio.data_classes import ImageData
from PIL import Image, ImageCms

from rapsr_core import ASSETS
from rapsr_core.comparison import Comparer
from studio import compare_tab, examples, page, theme, viewer
from studio.api_table import ENDPOINTS
from studio.engine import Engine


@pytest.fixture
def demo(comparer: Comparer) -> gr.Blocks:
    return page.build(Engine.of(comparer), examples.load(ASSETS / "examples"))


def test_only_the_api_s_table_is_public_and_all_computing_shares_one_slot(demo: gr.Blocks) -> None:
    public = [fn.api_name for fn in demo.fns.values() if fn.api_visibility != "private" and fn.fn is not None]
    assert public == [row.name for row in ENDPOINTS]
    computing = [fn for fn in demo.fns.values() if fn.concurrency_id == "compute"]
    assert (
        len(computing) == 7
    )  # the page's, the API's two, a batch's next photograph, the lab's sweep and search, an example to vote on
    assert {fn.concurrency_limit for fn in computing} == {1}
    assert sum(fn.validator is not None for fn in computing) == 5  # a batch is checked as a whole before its first
    assert all(fn.validator is not None for fn in demo.fns.values() if fn.api_visibility == "public" and fn.inputs)


def _deep(path: Path) -> None:
    Image.new("I;16", (40, 30), 12345).save(path)


def _rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.effect_noise((40, 30), 50).convert("RGB").save(path, "JPEG", exif=exif)


def _profiled(path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.new("CMYK", (40, 30), (10, 200, 30, 40)).save(path, "JPEG", icc_profile=profile)


def _garbage(path: Path) -> None:
    path.write_bytes(b"not an image")


@pytest.mark.parametrize("make", [_deep, _rotated, _profiled, _garbage])
def test_an_upload_reaches_our_reader_untouched(make, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    make(path)
    before = path.read_bytes()
    handed = compare_tab.photograph("Photograph", "photo", "The photograph", "Help").preprocess(
        ImageData(path=str(path), orig_name="photo.png")
    )
    assert handed == str(path)
    assert Path(handed).read_bytes() == before


def test_viewer_value_is_plain_data_with_png_paths(tmp_path: Path) -> None:
    picture = viewer.Picture("baseline", "Baseline ${1+1}", "alt </script>", tmp_path / "a.png", 8, 6, "step 1 of 2")
    value = viewer.value("run", [picture], "baseline", "baseline")
    (image,) = value["images"]
    assert image["file"]["path"] == str(tmp_path / "a.png")
    assert (image["width_px"], image["height_px"], image["label"]) == (8, 6, "Baseline ${1+1}")


@pytest.mark.parametrize("component", [viewer.component("v"), examples.component([])])
def test_templates_hold_nothing_that_gradio_would_evaluate(component: gr.HTML) -> None:
    for template in (component.html_template, component.css_template):
        assert "${" not in template and "{{" not in template and "`" not in template and "\\" not in template


def test_theme_fetches_no_font() -> None:
    options = theme.launch_options([])
    assert options["theme"]._stylesheets == []
    assert "http" not in Path(options["css_paths"][0]).read_text() + options["theme"]._get_theme_css().split("--")[0]


def test_examples_name_author_and_licence() -> None:
    shown = examples.load(ASSETS / "examples")
    assert len(shown) >= 6
    for example in shown:
        assert example.author and example.licence and example.licence_url.startswith("https://")
        with Image.open(io.BytesIO(example.path.read_bytes())) as opened:
            opened.load()
