"""Inline SVG: the histogram of a measure before and after, and the gains of all measures. Colours are the style sheet's classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from rapsr_core.curation.columns import Column, Rule
from rapsr_core.curation.report.facts import rule_text
from rapsr_core.curation.report.statistics import Compared

Floats = NDArray[np.float64]
WIDTH, HEIGHT = 300, 150
LEFT, RIGHT, TOP, BOTTOM = 10, 10, 16, 22
TAILS = (0.005, 0.995)
"""Quantiles of the pool that the axis ends at; values beyond are drawn in the end bars."""

MAX_STRETCH = 0.6
"""A threshold up to this share of the axis beyond its end stretches it; one farther away is named at the edge."""

BINS = (10, 40)
LABEL = 60
"""Room for a threshold's label."""


def histogram(column: Column, pool: Floats, kept: Floats, rule: Rule | None) -> str:
    """Shares of pool (grey bars) and kept (outline) over the values; what a threshold leaves out is shaded.

    Each of the two adds up to 1, so that a small selection can be compared with a large pool. pool, kept: values without NaN, pool with
    one at least.
    """
    edges = bin_edges(pool, rule)
    shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / max(len(v), 1) for v in (pool, kept)]
    top = float(max(shares[0].max(), shares[1].max()))
    x = _Scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    y = _Scale(0, top, HEIGHT - BOTTOM, TOP)
    parts = [*_axis(x), *_shades(rule, x), *_bars(edges, shares[0], x, y)]
    if len(kept):
        parts.append(f'<path class="kept" d="{_outline(edges, shares[1], x, y)}"/>')
    parts += _lines(rule, x)
    return _svg(WIDTH, HEIGHT, _said(column, pool, kept, rule), parts)


def bin_edges(values: Floats, rule: Rule | None) -> Floats:
    """Edges of the bars: one for each whole number when these are few, else the rule of Freedman & Diaconis 1981, 10 to 40 bars."""
    low, high = (float(v) for v in np.quantile(values, TAILS))
    bounds = [b for b in (rule.low, rule.high) if b is not None] if rule else []
    reach = MAX_STRETCH * (high - low)
    near = [b for b in bounds if low - reach <= b <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    if high - low <= 24 and (values == np.round(values)).all():
        return np.arange(math.floor(low) - 0.5, math.ceil(high) + 1.0)
    if low == high:
        return np.array([low - 0.5, low + 0.5])
    quartiles = np.quantile(values, [0.25, 0.75])
    width = 2 * float(quartiles[1] - quartiles[0]) / len(values) ** (1 / 3)
    count = round((high - low) / width) if width else BINS[1]
    return np.linspace(low, high, min(max(count, BINS[0]), BINS[1]) + 1)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) in [low, high], at most `most`."""
    for exponent in range(math.floor(math.log10((high - low) / most)), 400):
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first < most:
                return [n * step for n in range(first, last + 1)]
    raise AssertionError("unreachable: a step above the range leaves one tick at most")


ROW, GAINS_LEFT, GAINS_WIDTH = 24, 190, 600


def gains(compared: Sequence[Compared]) -> str:
    """Gain of each measure with its interval, in standard deviations of the pool; right of the line is better. All have a gain."""
    rows = [
        (c, c.gain or 0.0, sorted(c.sign * b / c.spread for b in c.interval or (c.difference, c.difference))) for c in compared
    ]
    low, high = min(0.0, *(span[0] for _, _, span in rows)), max(0.0, *(span[1] for _, _, span in rows))
    margin = 0.06 * (high - low) or 1.0
    height = ROW * len(rows) + 30
    x = _Scale(low - margin, high + margin, GAINS_LEFT, GAINS_WIDTH - RIGHT)
    parts = [
        f'<line class="grid" x1="{x(t):.1f}" x2="{x(t):.1f}" y1="4" y2="{height - 24}"/>'
        f'<text class="tick" x="{x(t):.1f}" y="{height - 8}">{_tick(t)}</text>'
        for t in ticks(x.low, x.high, 9)
    ]
    parts.append(f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="4" y2="{height - 24}"/>')
    for i, (c, gain, span) in enumerate(rows):
        middle = ROW * i + 18
        name = "selects" if c.selects else "unused"
        parts.append(
            f'<g class="{name}"><text class="row" x="{GAINS_LEFT - 12}" y="{middle + 4}">{escape(c.column.label)}</text>'
            f'<line class="span" x1="{x(span[0]):.1f}" x2="{x(span[1]):.1f}" y1="{middle}" y2="{middle}"/>'
            f'<circle cx="{x(gain):.1f}" cy="{middle}" r="5"/></g>'
        )
    said = "; ".join(f"{c.column.label} {gain:+.2f}" for c, gain, _ in rows)
    return _svg(GAINS_WIDTH, height, f"Gain of the selection over the pool, in standard deviations of the pool: {said}", parts)


class _Scale:
    """A value -> a coordinate."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _svg(width: int, height: int, said: str, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(said)}">{"".join(parts)}</svg>'


def _axis(x: _Scale) -> list[str]:
    base = HEIGHT - BOTTOM
    marks = [
        f'<line class="axis" x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{base}" y2="{base + 4}"/>'
        f'<text class="tick" x="{x(t):.1f}" y="{HEIGHT - 5}">{_tick(t)}</text>'
        for t in ticks(x.low, x.high, 6)
    ]
    return [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>', *marks]


def _bars(edges: Floats, shares: Floats, x: _Scale, y: _Scale) -> list[str]:
    return [
        f'<rect class="pool" x="{x(a):.1f}" y="{y(s):.1f}" width="{max(x(b) - x(a) - 0.8, 0.5):.1f}" height="{y(0) - y(s):.1f}"/>'
        for a, b, s in zip(edges[:-1], edges[1:], shares, strict=True)
        if s
    ]


def _outline(edges: Floats, shares: Floats, x: _Scale, y: _Scale) -> str:
    steps = "".join(f"V{y(s):.1f}H{x(b):.1f}" for b, s in zip(edges[1:], shares, strict=True))
    return f"M{x(edges[0]):.1f} {y(0):.1f}{steps}V{y(0):.1f}"


def _bounds(rule: Rule | None, x: _Scale) -> list[tuple[float, bool]]:
    """Thresholds on the axis, and whether each is the low one."""
    found = [(rule.low, True), (rule.high, False)] if rule else []
    return [(bound, low) for bound, low in found if bound is not None and x.low <= bound <= x.high]


def _shades(rule: Rule | None, x: _Scale) -> list[str]:
    spans = [(LEFT, x(bound)) if low else (x(bound), WIDTH - RIGHT) for bound, low in _bounds(rule, x)]
    return [f'<rect class="out" x="{a:.1f}" y="{TOP}" width="{b - a:.1f}" height="{HEIGHT - BOTTOM - TOP}"/>' for a, b in spans]


def _lines(rule: Rule | None, x: _Scale) -> list[str]:
    found = []
    for bound, low in _bounds(rule, x):
        at = x(bound)
        anchor = "end" if at > (LABEL if low else WIDTH - LABEL) else "start"  # away from each other
        found.append(
            f'<line class="bound" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 4}" y2="{HEIGHT - BOTTOM}"/>'
            f'<text class="bound" x="{at:.1f}" y="{TOP - 6}" text-anchor="{anchor}">{"≥" if low else "≤"} {bound:.4g}</text>'
        )
    if rule:
        far = [(rule.low, "start", LEFT, "≥"), (rule.high, "end", WIDTH - RIGHT, "≤")]
        found += [
            f'<text class="bound" x="{at}" y="{TOP - 6}" text-anchor="{anchor}">{sign} {bound:.4g}, beyond this axis</text>'
            for bound, anchor, at, sign in far
            if bound is not None and not x.low <= bound <= x.high
        ]
    return found


def _said(column: Column, pool: Floats, kept: Floats, rule: Rule | None) -> str:
    text = f"Histogram of {column.label}: median of the pool {np.median(pool):.4g}"
    text += f", of the kept {np.median(kept):.4g}" if len(kept) else ", nothing kept"
    return text + (f"; threshold {rule_text(rule, column.unit)}" if rule_text(rule) else "")


def _tick(value: float) -> str:
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * unit or (abs(value) >= unit and unit > 1e3):
            return f"{value / unit:.4g}{sign}".replace("-", "−")
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}" if abs(value) > 1e-12 else "0"
    return text.replace("-", "−")
