"""The stages of a degradation as a table: what was drawn for each, and the size it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Step:
    """One stage. `name`: as `rapsr_core.degradation.pipeline.stages` yields it."""

    name: str
    width_px: int
    height_px: int


def render(steps: Sequence[Step], record: Mapping[str, Any]) -> str:
    """The table as HTML."""
    rows = "".join(
        f'<tr><th scope="row">{number}. {escape(label(step.name))}</th><td>{escape(drawn(step.name, record))}</td>'
        f"<td>{step.width_px} × {step.height_px}</td></tr>"
        for number, step in enumerate(steps)
    )
    heads = '<tr><th scope="col">Stage</th><th scope="col">What was drawn</th><th scope="col">Size in px</th></tr>'
    return f'<div class="steps"><table><caption>Stages of this degradation</caption><thead>{heads}</thead><tbody>{rows}</tbody></table></div>'


def label(name: str) -> str:
    """A stage's name for people: "first JPEG" -> "First JPEG"."""
    return {"8 bits": "Result, 8 bits", "original": "Photograph"}.get(name, name[:1].upper() + name[1:])


def drawn(name: str, record: Mapping[str, Any]) -> str:
    """What the record says about a stage, in words."""
    order, _, what = name.partition(" ")
    if order in ("first", "second"):
        facts = record["orders"][0 if order == "first" else 1]
        return _ORDER[what](facts)
    final = record["final"]
    fixed = {
        "original": "as opened",
        "sharpened": "unsharp masking",
        "bicubic": "bicubic with antialiasing",
        "8 bits": "rounded to 256 levels",
        "resized back": str(record["resize_back"]),
    }
    return fixed[name] if name in fixed else final["mode"] if name == "final resize" else kernel(final["sinc"])


def kernel(facts: Mapping[str, Any] | None) -> str:
    """ "anisotropic Gaussian, 15 px, sigma 1.2 and 0.6", or that none was drawn."""
    if facts is None:
        return "none was drawn"
    if facts["kind"] == "sinc":
        return f"sinc, {facts['size']} px, cutoff {facts['cutoff']:.2f}"
    family, _, shape = facts["kind"].rpartition("_")
    names = {"": "Gaussian", "generalized": "generalised Gaussian", "plateau": "plateau"}
    sigmas = f"{facts['sigma_x']:.2f}" + (f" and {facts['sigma_y']:.2f}" if shape == "aniso" else "")
    beta = f", beta {facts['beta']:.2f}" if family else ""
    return f"{'anisotropic' if shape == 'aniso' else 'isotropic'} {names[family]}, {facts['size']} px, sigma {sigmas}{beta}"


def _resize(facts: Mapping[str, Any]) -> str:
    return "size kept" if facts["factor"] == 1 else f"× {facts['factor']:.3f}, {facts['mode']}"


def _noise(facts: Mapping[str, Any]) -> str:
    how = f"Gaussian, sigma {facts['amount']:.1f}" if facts["noise"] == "gaussian" else f"Poisson, scale {facts['amount']:.2f}"
    return f"{how}, {'grey' if facts['grey'] else 'colour'}"


_ORDER = {
    "blur": lambda facts: kernel(facts["kernel"]),
    "resize": _resize,
    "noise": _noise,
    "JPEG": lambda facts: f"quality {facts['jpeg_quality']:.0f}",
}
