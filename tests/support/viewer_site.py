"""The real viewer component alone on a Gradio page, over real photographs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
from PIL import Image, ImageEnhance, ImageFilter

from studio import theme, viewer
from studio.viewer import Picture, ScoreRow

PHOTO = Path(__file__).parents[2] / "assets" / "examples" / "boats.png"
WIDTH_PX, HEIGHT_PX = 640, 480
HOSTILE = "Baseline <b>${1+1}</b> {{value}} `x`"
SCORES = {
    "input": (ScoreRow("NIQE", "8.31", False), ScoreRow("PIQE", "77.02", False)),
    "baseline": (ScoreRow("NIQE", "5.94", False), ScoreRow("PIQE", "29.30", True)),
    "enhanced": (ScoreRow("NIQE", "4.12", True), ScoreRow("PIQE", "31.51", False)),
}


def pictures(folder: Path) -> list[Picture]:
    """Four versions of a bundled photograph at 640 x 480: enlarged, smoothed, sharpened, and with more contrast."""
    with Image.open(PHOTO) as photo:
        enlarged = photo.convert("RGB").resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC)
    sharpened = enlarged.filter(ImageFilter.UnsharpMask(3, 200, 1))
    versions = {
        "input": ("Input (bicubic x4)", enlarged),
        "cleaner": ("Cleaned (guide)", enlarged.filter(ImageFilter.MedianFilter(5))),
        "baseline": ("Baseline", sharpened),
        "enhanced": ("RAP-SR enhanced", ImageEnhance.Contrast(sharpened.filter(ImageFilter.UnsharpMask(1, 90, 0))).enhance(1.15)),
    }
    return [written(folder, name, label, image) for name, (label, image) in versions.items()]


def written(folder: Path, name: str, label: str, image: Image.Image, file: str = "") -> Picture:
    """A picture as a new PNG file."""
    path = folder / f"{file or name}.png"
    image.save(path)
    return Picture(name, label, f"{label} of boats", path, *image.size, scores=SCORES.get(name, ()))


@dataclass(frozen=True)
class Site:
    """The running page. Its buttons #to-NAME send the value NAME."""

    url: str
    pictures: dict[str, Picture]
    half: Picture  # "enhanced" at half the size, sent by `sizes`
    step: Picture  # the next preview of "enhanced", sent by `step`


@contextmanager
def serve(folder: Path) -> Iterator[Site]:
    """Values: `first` (also on load), `step` (same run, another enhanced picture), `next` (a new run), `one` (a new run's first
    picture), `sizes` (pictures of two sizes), `hostile` (a label like markup and templates), `nothing`."""
    found = pictures(folder)
    enhanced = found[-1]
    with Image.open(enhanced.path) as opened:
        half = written(folder, "enhanced", "Half", opened.resize((WIDTH_PX // 2, HEIGHT_PX // 2)), "half")
        step = replace(
            written(folder, "enhanced", enhanced.label, opened.filter(ImageFilter.GaussianBlur(2)), "step"), note="step 1 of 2"
        )
    values = {
        "first": viewer.value("a", found, "baseline", "enhanced"),
        "step": viewer.value("a", [*found[:3], step], "baseline", "enhanced"),
        "next": viewer.value("b", found, "baseline", "enhanced"),
        "one": viewer.value("c", found[:1], "input", "input"),
        "sizes": viewer.value("d", [found[2], half], "baseline", "enhanced"),
        "hostile": viewer.value("e", [found[0], replace(found[2], label=HOSTILE, note=HOSTILE)], "input", "baseline"),
        "nothing": None,
    }
    with gr.Blocks(title="Viewer") as demo:
        shown = viewer.component("viewer")
        for name, value in values.items():
            gr.Button(name, elem_id=f"to-{name}", size="sm").click(lambda value=value: value, None, shown)
        demo.load(lambda: values["first"], None, shown)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **theme.launch_options([folder]))
    try:
        yield Site(url.rstrip("/"), {p.name: p for p in found}, half, step)
    finally:
        demo.close()
