"""Small pieces of HTML: tables, pictures, numbers. Every text that comes from outside passes `escape`."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int], name: str = "") -> str:
    """A table whose first column heads its rows; `numbers`: columns that are numbers. Cells are HTML, caption and heads are text."""
    numeric = set(numbers)
    mark = [' class="n"' if i in numeric else "" for i in range(len(heads))]
    head = "".join(f'<th scope="col"{m}>{escape(h)}</th>' for h, m in zip(heads, mark, strict=True))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{m}>{c}</td>" for c, m in zip(row[1:], mark[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table{name and f" class={name}"}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def picture(name: str, data: bytes | None, lines: Sequence[str]) -> str:
    """A thumbnail with lines of text under it; a box that says so without one."""
    if data is None:
        shown = '<div class="nothing">no picture</div>'
    else:
        shown = f'<img src="data:image/jpeg;base64,{base64.b64encode(data).decode()}" alt="{escape(name)}">'
    said = "".join(f"<span>{escape(line)}</span>" for line in lines)
    return f'<figure>{shown}<figcaption>{said}<span class="id" title="{escape(name)}">{escape(name)}</span></figcaption></figure>'


def section(anchor: str, title: str, *parts: str) -> str:
    """A section with its heading; empty without any part."""
    body = "".join(parts)
    return f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(title)}</h2>{body}</section>' if body else ""


def decimals(spread: float) -> int:
    """Decimals that show three significant digits of something that varies by `spread`, 0 to 6."""
    return 0 if spread <= 0 or not math.isfinite(spread) else min(max(2 - math.floor(math.log10(spread)), 0), 6)


def number(value: float, places: int, sign: bool = False) -> str:
    """ "12,345", "+0.31", "−2.5": a true minus, grouped thousands."""
    text = f"{value:{'+' if sign else ''},.{places}f}"
    return text.replace("-", "−")


def percent(part: float, whole: float) -> str:
    """Share of a count; one decimal, two below 1 %."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.{2 if 0 < share < 1 else 1}f} %"
