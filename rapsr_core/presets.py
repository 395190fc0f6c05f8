"""Fast, balanced, quality, fidelity: what each changes of a host's published defaults, as a table.

Embedded host: measured, README's tuning table. Its last step is sixteen passes of the network, and a single one is guided, so that one step takes 32 passes and two 18. No
setting looks better than the balanced one, so quality is the same.
The other hosts follow what their settings are documented to do; their weights are not here, so nothing of theirs was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rapsr_core.hosts.registry import host_info
from rapsr_core.recipe import Recipe

Name = Literal["fast", "balanced", "quality", "fidelity"]


@dataclass(frozen=True)
class Preset:
    """What it stands for, in every host."""

    name: Name
    label: str
    aim: str


PRESETS: dict[Name, Preset] = {
    row.name: row
    for row in (
        Preset("fast", "Fast", "less time"),
        Preset("balanced", "Balanced", "the host's published settings"),
        Preset("quality", "Quality", "more detail, further from the photograph"),
        Preset("fidelity", "Fidelity", "closer to the photograph, less detail"),
    )
}


@dataclass(frozen=True)
class Change:
    """What differs from the host's defaults; None and nothing = as published."""

    steps: int | None = None
    guidance_scale: float | None = None
    settings: Mapping[str, float] | None = None


AS_PUBLISHED = Change()
CHANGES: dict[str, dict[Name, Change]] = {
    "embedded": {
        "fast": Change(steps=2),
        "quality": Change(steps=4, guidance_scale=1.75),
        "fidelity": Change(guidance_scale=1.0),
    },
    "x4-upscaler": {
        "fast": Change(steps=25),
        "quality": Change(settings={"noise_level": 60}),
        "fidelity": Change(guidance_scale=5.0, settings={"noise_level": 0}),
    },
    "controlnet-tile": {
        "fast": Change(steps=16),
        "quality": Change(guidance_scale=9.0),
        "fidelity": Change(guidance_scale=5.0, settings={"strength": 0.5}),
    },
    "seesr": {"fast": Change(steps=20), "quality": Change(guidance_scale=7.5), "fidelity": Change(guidance_scale=3.0)},
    "pasd": {
        "fast": Change(steps=10),
        "quality": Change(settings={"added_noise": 900}),
        "fidelity": Change(guidance_scale=5.0, settings={"control_scale": 1.2}),
    },
    "stablesr": {
        "fast": Change(steps=50),
        "quality": Change(guidance_scale=2.0),
        "fidelity": Change(settings={"start_from_picture": 1}),
    },
    "diffbir-v1": {
        "fast": Change(steps=20),
        "quality": Change(guidance_scale=2.0),
        "fidelity": Change(settings={"start_from_picture": 1}),
    },
    "diffbir-v2": {
        "fast": Change(steps=20),
        "quality": Change(guidance_scale=6.0),
        "fidelity": Change(guidance_scale=2.0, settings={"start_from_picture": 1}),
    },
    "osediff": {},
}
"""Host -> preset -> change. What is not listed is as published: OSEDiff has one step, no guidance and no setting of its own."""


def applied(name: Name, recipe: Recipe) -> Recipe:
    """`recipe` with the steps, guidance and own settings of a preset of its host; texts, cleaner, colour, seed and output stay."""
    row = host_info(recipe.host)
    change = CHANGES[row.name].get(name, AS_PUBLISHED)
    return replace(
        recipe,
        steps=row.steps if change.steps is None else change.steps,
        guidance_scale=row.guidance_scale if change.guidance_scale is None else change.guidance_scale,
        host_settings={setting.name: setting.default for setting in row.settings} | dict(change.settings or {}),
    )


def preset_of(recipe: Recipe) -> Name | None:
    """The preset whose settings a recipe has; None = its own. Where several are alike: balanced."""
    completed = host_info(recipe.host).completed(recipe)
    order: list[Name] = sorted(PRESETS, key=lambda name: name != "balanced")
    return next((name for name in order if applied(name, completed) == completed), None)


def told(host: str) -> str:
    """One sentence per preset of a host: what it is for and what it changes."""
    row = host_info(host)
    labels = {setting.name: setting.label.lower() for setting in row.settings}
    sentences = []
    for preset in PRESETS.values():
        change = CHANGES[host].get(preset.name, AS_PUBLISHED)
        parts = [] if change.steps is None else [f"{change.steps} steps"]
        parts += [] if change.guidance_scale is None else [f"guidance {change.guidance_scale:g}"]
        parts += [f"{labels[name]} {value:g}" for name, value in (change.settings or {}).items()]
        same = "as published" if preset.name == "balanced" else "here the same as balanced"
        sentences.append(f"{preset.label}: {preset.aim} ({', '.join(parts) or same}).")
    basis = "Measured (README)." if host == "embedded" else "Not measured: the direction is the settings' documented one."
    return " ".join((*sentences, basis))
