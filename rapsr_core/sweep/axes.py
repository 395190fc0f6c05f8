"""The axes as a table: which recipe fields can be swept, what each is called, and how a text of values is read.

An axis value is what the recipe's JSON has at that path: a number, a text, or for a pair axis two texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from rapsr_core.hosts.registry import HOSTS

Value = float | int | str | tuple[str, str]
Kind = Literal["number", "whole number", "text", "identifier", "choice", "pair", "identifier pair"]

MAX_AXES = 3
"""Columns, rows and sheets of a grid."""
MAX_CELLS = 100
"""Default limit of a sweep's cells."""
MAX_VALUES = 1000
"""Longest list one axis text may expand to; a sweep has the limit above."""


class SweepError(ValueError):
    """A sweep that cannot run. `problems`: all of them, each names axis and value; the message joins them."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class AxisInfo:
    """One row. `fields`: the recipe fields an axis sets, one, or two for a pair."""

    path: str
    label: str
    kind: Kind
    help: str
    fields: tuple[str, ...] = ()

    @property
    def sets(self) -> tuple[str, ...]:
        """Recipe fields that it sets."""
        return self.fields or (self.path,)


NUMBERS = 'Numbers by commas, and ranges first:last:step: "1, 1.5, 2", "1:3:0.5".'
TEXTS = 'One a line, or separated by "|".'
PAIRS = 'Positive / negative, a pair a line or separated by "|": "[X]. / [V]. | good / bad".'


def _host_settings() -> list[AxisInfo]:
    """A row for every setting that some host has."""
    having: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    for host in HOSTS.values():
        for setting in host.settings:
            having.setdefault(setting.name, []).append(host.label)
            labels.setdefault(setting.name, setting.label)
    return [
        AxisInfo(f"host_settings.{name}", labels[name], "number", f"Of {', '.join(hosts)} alone. {NUMBERS}")
        for name, hosts in having.items()
    ]


AXES = {
    row.path: row
    for row in (
        AxisInfo("host", "Host", "choice", f"The super-resolution method, with its own defaults. {TEXTS}"),
        AxisInfo("enhanced.refinement", "Refinement", "choice", f"Name or folder of a refinement, or none. {TEXTS}"),
        AxisInfo("cleaner", "Cleaner", "choice", f"First-stage restorer: none, real-esrgan. {TEXTS}"),
        AxisInfo("colour_fix", "Colour fix", "choice", f"none, wavelet, adain. {TEXTS}"),
        AxisInfo("steps", "Steps", "whole number", f"Denoising steps of each branch. {NUMBERS}"),
        AxisInfo("guidance_scale", "Guidance scale", "number", f"Pull from the negative to the positive prompt. {NUMBERS}"),
        AxisInfo("seed", "Seed", "whole number", f"Start of the noise, the same for both branches. {NUMBERS}"),
        AxisInfo("output_scale", "Output scale", "number", f"Size of the result, 1 to 4. {NUMBERS}"),
        AxisInfo("caption", "Caption", "text", f"What the picture shows, for both branches. {TEXTS}"),
        AxisInfo("baseline.positive", "Baseline prompt", "text", f"Quality words of the baseline. {TEXTS}"),
        AxisInfo("baseline.negative", "Baseline negative prompt", "text", f"What guidance leaves in the baseline. {TEXTS}"),
        AxisInfo("baseline.prompts", "Baseline prompts", "pair", PAIRS, ("baseline.positive", "baseline.negative")),
        AxisInfo("enhanced.positive_identifier", "Positive identifier", "identifier", f"Leads the positive prompt. {TEXTS}"),
        AxisInfo("enhanced.negative_identifier", "Negative identifier", "identifier", f"Leads the negative prompt. {TEXTS}"),
        AxisInfo(
            "enhanced.identifiers", "Identifiers", "identifier pair", PAIRS,
            ("enhanced.positive_identifier", "enhanced.negative_identifier"),
        ),
        AxisInfo("enhanced.positive", "Enhanced prompt", "text", f"Added after identifier and caption. {TEXTS}"),
        AxisInfo("enhanced.negative", "Enhanced negative prompt", "text", f"Added after the negative identifier. {TEXTS}"),
        AxisInfo("enhanced.prompts", "Enhanced prompts", "pair", PAIRS, ("enhanced.positive", "enhanced.negative")),
        AxisInfo("enhanced.strength", "Refinement strength", "number", f"0 = none of it, 1 = as trained, up to 1.5. {NUMBERS}"),
        *_host_settings(),
    )
}  # fmt: skip
"""By path. What only some hosts have is `host_settings.<name>`."""


@dataclass(frozen=True)
class Axis:
    """A row of AXES with the values to try, in the order of showing. Raises SweepError: unknown path, no or repeated values."""

    path: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        row = axis_info(self.path)
        if not self.values:
            raise SweepError(f"{row.label} has no values; give at least one")
        if repeated := [value for i, value in enumerate(self.values) if value in self.values[:i]]:
            raise SweepError(f"{row.label} has {label_of(repeated[0])} twice; leave one out")

    @property
    def info(self) -> AxisInfo:
        """Its row."""
        return AXES[self.path]


def axis_info(path: str) -> AxisInfo:
    """Row by path. Raises SweepError that lists the paths."""
    if path not in AXES:
        raise SweepError(f"no axis {path!r}; there are {', '.join(AXES)}")
    return AXES[path]


def parse_axis(path: str, text: str) -> Axis:
    """An axis from what was typed, by the rule of its kind (AXES' help). Raises SweepError that names axis and piece of text.

    Texts lose the white space around them; an identifier then ends in one space, because it leads the caption. A value that must
    keep its spaces is given as a value (`Axis`), not as text. Line breaks separate texts, and numbers too.
    """
    row = axis_info(path)
    try:
        return Axis(path, tuple(_PARSERS[row.kind](text)))
    except SweepError as error:
        raise SweepError(*(p if p.startswith(row.label) else f"{row.label}: {p}" for p in error.problems)) from error


def label_of(value: Value) -> str:
    """How a value is written in labels and tables: 0.5, "a text", positive / negative."""
    if isinstance(value, tuple):
        return " / ".join(part.strip() for part in value)
    if isinstance(value, str):
        return value.strip() or "(empty)"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def value_from_json(row: AxisInfo, value: Any) -> Value:
    """A value of a JSON file. Raises SweepError for one of another type than the axis has."""
    if row.kind in ("pair", "identifier pair"):
        fits = isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(part, str) for part in value)
        wanted = "a list of two texts"
    elif row.kind in ("number", "whole number"):
        fits = isinstance(value, int if row.kind == "whole number" else (int, float)) and not isinstance(value, bool)
        wanted = f"a {row.kind}"
    else:
        fits, wanted = isinstance(value, str), "text"
    if not fits:
        raise SweepError(f"{row.label} has {value!r}; it must be {wanted}")
    if row.kind == "number":
        return float(value)
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _numbers(text: str) -> list[float]:
    found: list[float] = []
    for piece in filter(None, (piece.strip() for piece in re.split(r"[,\n]", text))):
        found += [float(number) for number in _range(piece)]
        if len(found) > MAX_VALUES:
            raise SweepError(f"{piece!r} makes more than {MAX_VALUES} values; take larger steps")
    return found


def _range(piece: str) -> list[Decimal]:
    """One number, or first:last:step with the last included where a step meets it; in decimals, so that 0.1 adds up."""
    try:
        parts = [Decimal(part.strip()) for part in piece.split(":")]
    except InvalidOperation:
        parts = []
    if len(parts) not in (1, 3) or not all(part.is_finite() for part in parts):
        raise SweepError(f"{piece!r} is neither a number nor a range first:last:step")
    if len(parts) == 1:
        return parts
    first, last, step = parts
    if step == 0 or (last - first) * step < 0:
        raise SweepError(f"{piece!r} never gets from {first} to {last}; the step must lead there")
    count = int((last - first) / step) + 1
    return [first + k * step for k in range(min(count, MAX_VALUES + 1))]


def _whole(text: str) -> list[int]:
    numbers = _numbers(text)
    if broken := [number for number in numbers if not number.is_integer()]:
        raise SweepError(f"{broken[0]:g} is not a whole number")
    return [int(number) for number in numbers]


def _texts(text: str) -> list[str]:
    """Pieces by "|" and lines. Lines that are empty are no values; an empty piece between two "|" is the empty text."""
    pieces = [piece.strip() for line in text.splitlines() if line.strip() for piece in line.split("|")]
    return pieces


def _identifier(text: str) -> str:
    return f"{text} " if text else ""


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for piece in _texts(text):
        halves = re.split(r"(?:^|\s+)/(?:\s+|$)", piece)
        if len(halves) != 2:
            raise SweepError(f'{piece!r} is no pair; write positive / negative, with spaces around one "/"')
        found.append((halves[0], halves[1]))
    return found


_PARSERS: dict[Kind, Callable[[str], list[Any]]] = {
    "number": _numbers,
    "whole number": _whole,
    "text": _texts,
    "choice": _texts,
    "identifier": lambda text: [_identifier(piece) for piece in _texts(text)],
    "pair": _pairs,
    "identifier pair": lambda text: [(_identifier(a), _identifier(b)) for a, b in _pairs(text)],
}
