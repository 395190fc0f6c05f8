"""What the calls of the API do that answer at once (api_table.py). Raises KNOWN."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rapsr_core import captions, doctor
from rapsr_core.comparison import Comparer
from rapsr_core.degradation.pipeline import apply, draw
from rapsr_core.degradation.presets import PRESETS as DEGRADATIONS
from rapsr_core.degradation.presets import preset as degradation_preset
from rapsr_core.hosts.info import HostInfo
from rapsr_core.hosts.registry import HOSTS, recipe_from_json
from rapsr_core.images import read, save_png
from rapsr_core.presets import PRESETS, applied
from rapsr_core.quality import scoring
from rapsr_core.quality.table import METRICS
from rapsr_core.recipe import NONE, SHIPPED, Recipe
from rapsr_core.refinement.shelf import names_for, shelved
from studio.degrade_actions import RECORD_CHUNK, centre
from studio.results import RunFolder

MOST_DEGRADED_PX = 2048


def score(comparer: Comparer, image: str, metrics: Sequence[str], truth: str | None) -> dict[str, Any]:
    """Size and scores of an image as it is."""
    pixels = read(image)
    found = scoring.score(pixels, metrics, None if truth is None else read(truth))
    rows = {
        name: {"label": METRICS[name].label, "lower_better": METRICS[name].lower_better, **asdict(row)}
        for name, row in found.items()
    }
    return {"size_px": [pixels.shape[-1], pixels.shape[-2]], "scores": rows}


def degrade(comparer: Comparer, image: str, preset: str, seed: int, resize_back: bool) -> tuple[str, str, dict[str, Any]]:
    """LQ PNG, HQ PNG, record."""
    chosen, folder = degradation_preset(preset), RunFolder(image)
    clean = centre(read(image), MOST_DEGRADED_PX, chosen.scale)
    record = draw(chosen, seed, resize_back=resize_back)
    lq, hq = folder.named(f"lq-seed{seed}.png"), folder.named(f"hq-seed{seed}.png")
    save_png(apply(clean, record).clamp(0, 1), lq, {RECORD_CHUNK: json.dumps(record)})
    return str(lq), str(save_png(clean, hq)), record


def caption(comparer: Comparer, image: str) -> str:
    """The embedded tagger's phrase."""
    return captions.caption(read(image))


def encode(comparer: Comparer, recipe: dict[str, Any]) -> dict[str, Any]:
    """What both branches would encode."""
    return comparer.prompts(recipe_from_json(recipe))


def hosts(comparer: Comparer) -> list[dict[str, Any]]:
    """The table of hosts, with what each lacks here."""
    return [_host(row) for row in HOSTS.values()]


def refinements(comparer: Comparer) -> list[dict[str, Any]]:
    """Shipped, on the shelf, none."""
    named = [(SHIPPED, "embedded"), *((entry.name, entry.prior) for entry in shelved())]
    rows = [{"name": name, "prior": prior, "hosts": _on(prior)} for name, prior in named]
    return [*rows, {"name": NONE, "prior": None, "hosts": list(HOSTS)}]


def presets(comparer: Comparer, host: str) -> dict[str, Any]:
    """Preset name -> label, aim, recipe."""
    start = recipe_from_json({"host": host})
    return {name: {"label": row.label, "aim": row.aim, "recipe": applied(name, start).to_json()} for name, row in PRESETS.items()}


def degradations(comparer: Comparer) -> dict[str, Any]:
    """Preset name -> settings."""
    return {name: asdict(row) for name, row in DEGRADATIONS.items()}


def metrics(comparer: Comparer) -> list[dict[str, Any]]:
    """The table of metrics, without what is of this program alone."""
    left_out = {"engine", "parameters", "cost_s"}
    return [{key: value for key, value in asdict(row).items() if key not in left_out} for row in METRICS.values()]


def _host(row: HostInfo) -> dict[str, Any]:
    missing = doctor.missing(row.name)
    return {
        "name": row.name,
        "label": row.label,
        "default": row.name == Recipe().host,
        "runs": not missing,
        "missing": missing,
        "prior": row.prior,
        "recipe": row.completed(recipe_from_json({"host": row.name})).to_json(),
        "settings": [asdict(setting) for setting in row.settings],
        "max_steps": row.max_steps,
        "refinements": list(names_for(row.prior)),
        "needs_gb": round(doctor.estimate_gb(row), 1),
        "code_licence": row.code_licence,
        "weights_licence": row.weights_licence,
        "compared_with": row.parity,
    }


def _on(prior: str) -> list[str]:
    return [row.name for row in HOSTS.values() if row.prior == prior]
