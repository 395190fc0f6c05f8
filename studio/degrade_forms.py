"""Controls of the Degrade lab <-> Preset, both ways, from one table that follows the preset's fields.

A control's `path` names what it sets: "usm", "orders.0.blur_share", "orders.1.blur_sigma.low". A range needs two controls, the
three shares of resizing need two (what is left keeps its size).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import gradio as gr

from rapsr_core.degradation.preset_file import LIMITS, PresetError, preset_from
from rapsr_core.degradation.presets import PRESETS, Order, Preset

Kind = Literal["slider", "tick", "choice"]
START = "rapsr"
"""Preset of a new page."""
NAME = "my-preset"
ORDINALS = ("First order", "Second order")
PARTS = {"blur": "blur", "resize": "resize", "noise": "noise", "jpeg": "JPEG"}
"""Parts of an order, in the order in which they are carried out, and their headings."""


@dataclass(frozen=True)
class Field:
    """A field of `Order`. `highest`: what its sliders reach, unless a preset goes beyond."""

    name: str
    label: str
    part: str
    info: str
    highest: float = 1.0
    step: float = 0.01
    around_one: bool = False  # values are drawn below and above 1


ORDER_FIELDS = (
    Field("blur_share", "Share blurred", "blur", "Probability that this order blurs at all."),
    Field("sinc_share", "Share of sinc kernels", "blur", "Of the blurs; a sinc kernel rings at edges. The rest are Gaussian-like kernels."),
    Field("blur_sigma", "Blur sigma", "blur", "Standard deviation of the kernel along each axis, in px.", 5.0),
    Field("beta_generalized", "Beta, generalised Gaussian", "blur", "Below 1 a heavier tail, above 1 a flatter top.", 6.0, around_one=True),
    Field("beta_plateau", "Beta, plateau kernel", "blur", "Below 1 a heavier tail, above 1 a sharper edge.", 6.0, around_one=True),
    Field("resize_shares", "Share", "resize", "Probability of this direction. What the two leave keeps its size."),
    Field("resize_range", "Factor", "resize", "Drawn from the lower end to 1 when reduced, from 1 to the upper end when enlarged.", 2.0, around_one=True),
    Field("gaussian_share", "Share of Gaussian noise", "noise", "The rest is Poisson noise."),
    Field("noise_sigma", "Gaussian sigma", "noise", "Standard deviation in 1/255.", 60.0, 0.5),
    Field("poisson_scale", "Poisson scale", "noise", "1 = the noise of counted photons, more = stronger.", 5.0),
    Field("grey_share", "Share of grey noise", "noise", "One noise for the three colours; the rest is coloured."),
    Field("jpeg_quality", "JPEG quality", "jpeg", "100 = the least loss.", 100.0, 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class Knob:
    """One control. `low`, `high` and `step` are for sliders, `choices` (label, value) for choices."""

    path: str
    label: str
    kind: Kind
    group: str
    info: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    choices: tuple[tuple[str, Any], ...] = ()


def _of_order(number: int) -> Iterator[Knob]:
    for field in ORDER_FIELDS:
        path, group, word = f"orders.{number}.{field.name}", f"{number}.{field.part}", ORDINALS[number]
        if field.name == "resize_shares":
            for way, verb in (("up", "enlarged"), ("down", "reduced")):
                yield Knob(f"{path}.{way}", f"{field.label} {verb}", "slider", group, field.info)
        elif field.name in LIMITS:
            least, step = LIMITS[field.name][0], field.step
            split = 1.0 if field.around_one else field.highest
            yield Knob(f"{path}.low", f"{field.label}, from", "slider", group, field.info, least, split, step)
            start = 1.0 if field.around_one else least
            yield Knob(
                f"{path}.high", f"{field.label}, to", "slider", group, f"Upper end, {word.lower()}.", start, field.highest, step
            )
        else:
            yield Knob(path, field.label, "slider", group, field.info)


KNOBS = (
    Knob("second_order", "Second-order process", "tick", "start", "Not ticked: plain bicubic reduction, nothing else."),
    Knob("usm", "Sharpen first", "tick", "start", "Unsharp masking of the photograph, as Real-ESRGAN does for its ground truth."),
    Knob(
        "scale", "Scale", "choice", "start", "How many times smaller the result is. Compare enlarges 4 times.",
        choices=tuple((f"1/{n}", n) for n in (1, 2, 3, 4, 8)),
    ),
    *_of_order(0),
    *_of_order(1),
    Knob("final_sinc_share", "Share with a final sinc filter", "slider", "final", "Ringing, as of over-sharpened pictures."),
    Knob(
        "honour_kernel_size", "Honour the kernel sizes below", "tick", "kernels",
        "Not ticked: sizes are drawn from 7 to 21 px, whatever stands below, as the official loaders do.",
    ),
    Knob("blur_kernel_size.0", "Kernel size, first order", "slider", "kernels", "Sizes are odd, from 3 px to 2 px less.", 5, 21, 2),
    Knob("blur_kernel_size.1", "Kernel size, second order", "slider", "kernels", "Also that of the final sinc filter.", 5, 21, 2),
)  # fmt: skip

GROUPS: tuple[tuple[str, str], ...] = (
    ("start", "Start"),
    *((f"{n}.{part}", f"{ORDINALS[n]}: {heading}") for n in (0, 1) for part, heading in PARTS.items()),
    ("final", "Final sinc and JPEG"),
    ("kernels", "Kernel sizes"),
)
"""Control groups in page order: name and heading."""


def component(knob: Knob, value: Any) -> gr.components.Component:
    """The Gradio component of a control."""
    common = {"label": knob.label, "info": knob.info, "value": value, "elem_id": element_id(knob.path)}
    if knob.kind == "tick":
        return gr.Checkbox(**common)
    if knob.kind == "choice":
        return gr.Radio(list(knob.choices), **common)
    return gr.Slider(knob.low, max(knob.high, value), step=knob.step, **common)


def element_id(path: str) -> str:
    """HTML id of a control: "orders.0.blur_share" -> "degrade-orders-0-blur-share"."""
    return "degrade-" + path.replace(".", "-").replace("_", "-")


def updates(preset: Preset) -> list[dict[str, Any]]:
    """Keyword arguments of `gr.update` for every control, in the order of KNOBS; a slider reaches at least its value."""
    values = values_of(preset)
    return [{"value": values[k.path]} | ({"maximum": max(k.high, values[k.path])} if k.kind == "slider" else {}) for k in KNOBS]


def values_of(preset: Preset) -> dict[str, Any]:
    """What every control shows for a preset, by path, in the order of KNOBS. One without orders shows Real-ESRGAN's."""
    orders = preset.orders or PRESETS["realesrgan"].orders
    return {k.path: _get(replace(preset, orders=orders), k.path, bool(preset.orders)) for k in KNOBS}


def preset_of(values: Mapping[str, Any], name: str) -> Preset:
    """Preset of the controls' values, by path; it bears the name of the core's preset that has the same values, else `name`.

    Raises:
        PresetError: a value out of range, a range that falls, or `name` is that of a preset of the core with other values.
    """
    found = preset_from(_facts(values, name), name)
    for known in PRESETS.values():
        if replace(found, name=known.name) == known:
            return known
    if name in PRESETS:
        raise PresetError(f"name is {name!r}, a preset of the core with other values; choose another name")
    return found


def _get(preset: Preset, path: str, second_order: bool) -> Any:
    if path == "second_order":
        return second_order
    field, *rest = path.split(".")
    value = getattr(preset, field)
    if field == "orders":
        value = getattr(value[int(rest[0])], rest[1])
        rest = rest[2:]
    return value[{"low": 0, "high": 1, "up": 0, "down": 1, "0": 0, "1": 1}[rest[0]]] if rest else value


def _facts(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The controls as a preset file has them."""
    for path, value in values.items():
        if value is None:
            raise PresetError(f"{path} is empty; enter a number")
    return {
        "name": name,
        **{field: values[field] for field in ("usm", "scale", "final_sinc_share", "honour_kernel_size")},
        "blur_kernel_size": [int(values[f"blur_kernel_size.{n}"]) for n in (0, 1)],
        "orders": [_order(values, n) for n in (0, 1)] if values["second_order"] else [],
    }


def _order(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in Order.__dataclass_fields__:
        path = f"orders.{number}.{field}"
        if field in LIMITS:
            found[field] = [values[f"{path}.low"], values[f"{path}.high"]]
        elif field == "resize_shares":
            up, down = values[f"{path}.up"], values[f"{path}.down"]
            if up + down > 1 + 1e-9:
                raise PresetError(f"{path} is {up:g} up and {down:g} down, together above 1; lower one of them")
            found[field] = [up, down, max(0.0, round(1 - up - down, 12))]
        else:
            found[field] = values[path]
    return found
