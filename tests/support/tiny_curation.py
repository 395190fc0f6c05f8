"""A small curation of real pixels: thirty images, of which rules, duplicates and reviewers leave some out."""

import io

import numpy as np
from PIL import Image

from rapsr_core.curation.columns import Column, Rule, Stage
from rapsr_core.curation.decisions import Decision, Log
from rapsr_core.curation.report import Report
from rapsr_core.curation.review import agreement
from rapsr_core.curation.selecting import Duplicates, select

HOSTILE = '"><script src="https://evil.example/x.js"></script>.png'


def column(name, label, better, unit="", kind="number"):
    return Column(name, label, kind, better, unit, f"what {label} is", f"where {label} is from")


STAGES = (
    Stage("admission", "Admission", "", 0.1, (column("width", "width", "neither", "px"), column("format", "format", "neither", kind="text")), (), lambda: lambda p: {}),
    Stage("fidelity", "Fidelity", "", 0.1, (column("sharpness", "sharpness", "high"), column("noise", "noise <σ>", "low", "grey levels")), (), lambda: lambda p: {}),
)  # fmt: skip


def tiny_columns():
    n = 30
    i = np.arange(n, dtype=float)
    names = [f"{k:02}.png" for k in range(n)]
    names[29] = HOSTILE
    texts = {
        "id": names,
        "error": ["", "damaged <b>"] + [""] * 28,
        "digest": [str(k) for k in range(n)],
        "phash": ["same" if k in (4, 5, 6) else str(k) for k in range(n)],
        "format": ["JPEG" if k % 3 else "PNG" for k in range(n)],
    }
    width = np.where(i == 0, 50.0, 600 + 10 * i)
    width[1] = np.nan
    numbers = {"width": width, "sharpness": np.where(i == 1, np.nan, i), "noise": np.where(i == 1, np.nan, 40 - i)}
    return {k: np.array(v, dtype=object) for k, v in texts.items()} | numbers


def thumbnail(name):
    if name == "07.png":
        return None
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (len(name) * 5, 90, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


def same(hashes, max_distance):
    numbers = {}
    return [numbers.setdefault(h, len(numbers)) for h in hashes]


def tiny_report(columns):
    rules = (Rule("width", low=100), Rule("sharpness", low=10))
    review = dict.fromkeys(columns["id"], "accepted") | {"20.png": "rejected"}
    duplicates = Duplicates(same, 0, ("sharpness",))
    selection = select(columns, STAGES, rules, duplicates, review)
    given = [(r, k, "accept" if k != 20 or r == "ana" else "reject") for r in ("ana", "ben") for k in range(12, 25)]
    lines = [Decision(f"{k:02}.png", verdict, r, "t", 1, 1.0) for r, k, verdict in given]
    lines += [Decision(f"{k:02}.png", "accept", "ana", "t", 2, 1.0) for k in range(12, 16)]
    settings, versions = {"pool": "<POOL>"}, {"pyiqa": "0.1.16"}
    return Report(
        "A curation & its report", columns, STAGES, selection, thumbnail, settings, versions, agreement(Log(tuple(lines), ()))
    )
