"""Lines over steps as a small SVG, with its two ends told to who does not see it. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, ROOM = 420, 130, 44, 24, 12


@dataclass(frozen=True)
class Chart:
    """`lines`: key -> (step -> value), none empty. `labels`: what the keys mean; `steps`: right end of the axis; `figure`: a value as text."""

    lines: Mapping[str, Mapping[int, float]]
    labels: Mapping[str, str]
    steps: int
    figure: Callable[[float], str]
    dots: bool = True

    def render(self, name: str, caption: str) -> str:
        """The figure. `name`: of the values; `caption`: HTML above the lines."""
        drawn = "".join(self._line(key) for key in self.labels if key in self.lines)
        return (
            f'<figure class="curve"><figcaption>{caption}</figcaption>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self._told(name))}">{self._axes()}{drawn}</svg></figure>'
        )

    @cached_property
    def _ends(self) -> tuple[float, float]:
        values = [value for line in self.lines.values() for value in line.values()]
        return min(values), max(values)

    def _place(self, step: int, value: float) -> tuple[float, float]:
        low, high = self._ends
        across = (step - 1) / max(self.steps - 1, 1)
        up = (value - low) / (high - low) if high > low else 0.5
        return LEFT + across * (WIDTH - LEFT - ROOM), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - ROOM)

    def _line(self, key: str) -> str:
        places = [self._place(step, value) for step, value in sorted(self.lines[key].items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places) if self.dots else ""
        return f'<g data-branch="{key}"><polyline points="{path}"/>{dots}</g>'

    def _axes(self) -> str:
        base, right = HEIGHT - BOTTOM, WIDTH - ROOM
        low, high = map(self.figure, self._ends)
        return (
            f'<path class="axis" d="M{LEFT} {ROOM}V{base}H{right}"/>'
            f'<text x="{LEFT - 6}" y="{ROOM + 4}" text-anchor="end">{high}</text>'
            f'<text x="{LEFT - 6}" y="{base + 4}" text-anchor="end">{low}</text>'
            f'<text x="{LEFT}" y="{HEIGHT - 6}">step 1</text><text x="{right}" y="{HEIGHT - 6}" text-anchor="end">{self.steps}</text>'
        )

    def _told(self, name: str) -> str:
        ends = []
        for key, line in self.lines.items():
            first, last = min(line), max(line)
            ends.append(
                f"{self.labels[key]} {self.figure(line[first])} at step {first}, {self.figure(line[last])} at step {last}".strip()
            )
        return f"{name}: {'; '.join(ends)}"
