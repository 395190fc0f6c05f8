"""Controls of the page <-> Recipe, both ways. One table says what each control is; nothing else knows the fields.

A control's `path` is the recipe field it sets ("steps", "enhanced.strength"). Two recipe fields need two controls each:
`caption` (a box, and a tick for "write it for me") and `target_px` (width and height). An optional integer shows None as 0, which an empty
box means too: Gradio makes None 0 when it shows a Number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from rapsr_core.doctor import missing
from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.recipe import NONE, SHIPPED, Recipe, RecipeError
from rapsr_core.refinement.shelf import shelved

Kind = Literal["slider", "integer", "optional integer", "text", "choice", "list", "tick"]
Group = Literal["host", "caption", "enhanced", "baseline", "sampling", "output"]


@dataclass(frozen=True)
class Control:
    """One row of the table. `low`, `high` and `step` are for numbers, `choices` (label, value) for lists."""

    path: str
    label: str
    kind: Kind
    group: Group
    info: str
    low: float = 0
    high: float = 0
    step: float = 1
    choices: tuple[tuple[str, str], ...] = ()
    lines: int = 1
    placeholder: str = ""


HOST_SETTINGS = tuple(
    Control(f"host_settings.{row.name}.{s.name}", s.label, "slider", "host", s.help, s.low, s.high, s.step)
    for row in HOSTS.values()
    for s in row.settings
)
"""What only one host has, shown with that host."""

CONTROLS = (
    Control(
        "host", "Host", "list", "host", "The super-resolution method. Another one brings its own defaults.",
    ),
    *HOST_SETTINGS,
    Control(
        "enhanced.refinement", "Refinement", "list", "enhanced",
        "What is plugged into the prior of the enhanced branch; none = identifiers alone.",
    ),
    Control(
        "caption", "Caption", "text", "caption",
        "What the picture shows. Both branches read it. Edit it freely.",
        lines=2, placeholder="Written here when a photograph is opened",
    ),
    Control(
        "caption.automatic", "Write the caption for me", "tick", "caption",
        "Ticked: each new photograph is captioned, and an empty box is captioned at Compare. "
        "Not ticked: the box is used exactly as it stands, empty too.",
    ),
    Control(
        "tile_captions", "Captions of tiles", "choice", "caption",
        "A large picture is worked on in tiles. Each can be told what it shows itself, in place of the caption above; a caption of the whole "
        "can bring things into tiles that do not have them.",
        choices=(("The picture's", "global"), ("Each its own", "per tile")),
    ),
    Control(
        "enhanced.positive_identifier", "Positive identifier", "text", "enhanced",
        "Leads the positive prompt. The refinement taught the prior that this text means a clean photograph.",
    ),
    Control(
        "enhanced.negative_identifier", "Negative identifier", "text", "enhanced",
        "Leads the negative prompt. It stands for the damage that guidance moves away from.",
    ),
    Control(
        "enhanced.positive", "Positive prompt", "text", "enhanced",
        "Added after identifier and caption. RAP-SR needs none.", placeholder="nothing added",
    ),
    Control(
        "enhanced.negative", "Negative prompt", "text", "enhanced",
        "Added after the negative identifier. RAP-SR needs none.", placeholder="nothing added",
    ),
    Control(
        "enhanced.strength", "Refinement strength", "slider", "enhanced",
        "How much of the refinement is plugged into the prior. 0 = none of it, 1 = as trained.", 0, 1.5, 0.05,
    ),
    Control(
        "baseline.positive", "Positive prompt", "text", "baseline",
        "Quality words written by hand, added after the caption, as existing methods do.", placeholder="nothing added",
    ),
    Control(
        "baseline.negative", "Negative prompt", "text", "baseline",
        "What guidance moves away from in the baseline.", placeholder="nothing added",
    ),
    Control("steps", "Steps", "slider", "sampling", "Denoising steps of each branch. Time grows with them.", 1, 200, 1),
    Control(
        "guidance_scale", "Guidance scale", "slider", "sampling",
        "Pull from the negative towards the positive prompt, in all steps but the last. 1 = none; the embedded host likes 1 to 1.5.", 1, 10, 0.05,
    ),
    Control(
        "seed", "Seed", "integer", "sampling",
        "Start of the noise. Both branches use the same, and the same seed gives the same pixels.", 0, 2**32 - 1,
    ),
    Control(
        "cleaner", "Cleaner", "choice", "sampling",
        "First-stage restorer that gives the host its guide. Both branches share its result.",
        choices=(("Real-ESRGAN x4plus", "real-esrgan"), ("None (bicubic x4)", "none")),
    ),
    Control(
        "colour_fix", "Colour fix", "choice", "sampling",
        "Takes the colours of the result back to those of the photograph.",
        choices=(("Wavelet", "wavelet"), ("AdaIN", "adain"), ("None", "none")),
    ),
    Control("output_scale", "Output scale", "slider", "output", "Below 4 the x4 result is reduced.", 1, 4, 0.25),
    Control(
        "target_px.width", "Width in px", "optional integer", "output",
        "With a height, replaces the scale. 0 = use the scale.", 1, 16384,
    ),
    Control(
        "target_px.height", "Height in px", "optional integer", "output",
        "With a width, replaces the scale. 0 = use the scale.", 1, 16384,
    ),
    Control(
        "tile_px", "Tile size in px", "optional integer", "output",
        "Side of the tiles that cleaner, network and codec work in, in pixels of the x4 picture. 0 = automatic: from the picture's size and the "
        "free memory; the status line then says which and why. Smaller tiles need less memory and more time.", 64, 4096,
    ),
)  # fmt: skip

HOST_DEFAULTS = (
    "host", "steps", "guidance_scale", "cleaner", "colour_fix", "baseline.positive", "baseline.negative", "enhanced.refinement",
)  # fmt: skip
"""Controls that take a host's published defaults when it is chosen, besides its own settings."""

BY_PATH = {control.path: control for control in CONTROLS}


def component(control: Control, value: Any, host: str) -> gr.components.Component:
    """The Gradio component of a control, showing `value`; hidden when it is a setting of another host than `host`."""
    common = {
        "label": control.label,
        "info": control.info,
        "value": value,
        "elem_id": element_id(control.path),
        "visible": belongs(control, host),
    }
    if control.kind == "slider":
        return gr.Slider(control.low, control.high, step=control.step, **common)
    if control.kind in ("integer", "optional integer"):  # without limits of its own: those of the recipe name the field
        return gr.Number(precision=0, **common)
    if control.kind == "choice":
        return gr.Radio(list(control.choices), **common)
    if control.kind == "list":
        return gr.Dropdown(list(hosts() if control.path == "host" else refinements()), **common)
    if control.kind == "tick":
        return gr.Checkbox(**common)
    return gr.Textbox(lines=control.lines, max_lines=6, placeholder=control.placeholder or None, **common)


def belongs(control: Control, host: str) -> bool:
    """Whether a control says anything about this host."""
    return not control.path.startswith("host_settings.") or control.path.startswith(f"host_settings.{host}.")


def hosts() -> tuple[tuple[str, str], ...]:
    """(label, name) of every host; the label says which cannot run here yet."""
    return tuple((f"{row.label} (weights missing)" if missing(row.name) else row.label, row.name) for row in HOSTS.values())


def refinements() -> tuple[tuple[str, str], ...]:
    """(label, name) of every refinement; the label says whose prior it was trained on. That it fits the host's is checked with the recipe: a
    list that shrank would refuse, in Gradio, the value that the browser still has."""
    own = tuple((f"{entry.name} (of prior {entry.prior})", entry.name) for entry in shelved())
    return (("RAP-SR (of the embedded prior)", SHIPPED), *own, ("None: identifiers alone", NONE))


def of_host(host: str) -> dict[str, dict[str, Any]]:
    """What changes on the page when a host is chosen: control path -> keyword arguments of `gr.update`."""
    row = host_info(host)
    values = values_of(row.recipe(Recipe()))
    found = {path: {"value": values[path]} for path in HOST_DEFAULTS}
    for control in HOST_SETTINGS:
        found[control.path] = {"value": values[control.path], "visible": belongs(control, host)}
    found["cleaner"]["interactive"] = row.takes_guide
    found["guidance_scale"]["interactive"] = row.negative_branch
    found["steps"] |= {"maximum": max(row.max_steps, 2), "interactive": row.max_steps > 1}
    return found


def of_recipe(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """What a whole recipe changes on the page, its host's own settings and limits too: control path -> keyword arguments of `gr.update`."""
    changes = of_host(recipe.host)
    return {path: {**changes.get(path, {}), "value": value} for path, value in values_of(recipe).items()}


def element_id(path: str) -> str:
    """HTML id of a control: "enhanced.strength" -> "control-enhanced-strength"."""
    return "control-" + path.replace(".", "-").replace("_", "-")


def values_of(recipe: Recipe) -> dict[str, Any]:
    """What every control shows for a recipe, by path, in the order of CONTROLS."""
    width, height = recipe.target_px or (0, 0)
    settings = {f"host_settings.{row.name}.{s.name}": s.default for row in HOSTS.values() for s in row.settings}
    settings |= {f"host_settings.{recipe.host}.{name}": value for name, value in recipe.host_settings.items()}
    special = {
        **settings,
        "caption": recipe.caption or "",
        "caption.automatic": recipe.caption is None,
        "target_px.width": width,
        "target_px.height": height,
        "tile_px": recipe.tile_px or 0,
    }
    return {c.path: special[c.path] if c.path in special else _get(recipe, c.path) for c in CONTROLS}


def recipe_of(values: Mapping[str, Any]) -> Recipe:
    """Recipe of the controls' values, by path.

    Raises:
        RecipeError: a value is missing, of the wrong type or out of range; the message names the control's field.
    """
    fields: dict[str, Any] = {"caption": _caption(values), "target_px": _target_px(values), "host_settings": _settings(values)}
    for control in CONTROLS:
        if control.path.startswith(("caption", "target_px.", "host_settings.")):
            continue
        *parents, name = control.path.split(".")
        place = fields.setdefault(parents[0], {}) if parents else fields
        place[name] = _number(control, values[control.path])
    recipe = Recipe.from_json(fields)
    host_info(recipe.host).check(recipe)
    return recipe


def _caption(values: Mapping[str, Any]) -> str | None:
    text = values["caption"]
    return None if values["caption.automatic"] and not text.strip() else text


def _settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the chosen host."""
    row = host_info(values["host"])
    paths = {s.name: f"host_settings.{row.name}.{s.name}" for s in row.settings}
    return {name: _number(BY_PATH[path], values[path]) for name, path in paths.items()}


def _target_px(values: Mapping[str, Any]) -> list[int] | None:
    width, height = values["target_px.width"], values["target_px.height"]
    if bool(width) != bool(height):
        given, missing = ("width", "height") if width else ("height", "width")
        raise RecipeError(f"the output {given} is set and the {missing} is not; set both, or neither to use the scale")
    return [width, height] if width else None


def _number(control: Control, value: Any) -> Any:
    """Numbers as the recipe wants them: sliders in whole steps arrive as 8 or 8.0."""
    if control.kind == "optional integer":
        return value or None
    if value is None:
        raise RecipeError(f"{control.path} is empty; enter a number between {control.low:g} and {control.high:g}")
    if control.kind == "slider" and control.step == 1 and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _get(recipe: Recipe, path: str) -> Any:
    value: Any = recipe
    for name in path.split("."):
        value = getattr(value, name)
    return value


def recipe_fields() -> list[str]:
    """Every field of a recipe by path: "steps", ..., "enhanced.strength"."""
    names = []
    for field in dataclasses.fields(Recipe):
        value = getattr(Recipe(), field.name)
        inner = [f.name for f in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []
        names += [f"{field.name}.{name}" for name in inner] or [field.name]
    return names
