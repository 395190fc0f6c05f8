"""What every captioner gives: a text for each of several images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

Write = Callable[[Sequence[Tensor]], list[str]]
"""(1, 3, H, W) sRGB in [0, 1], of any sizes -> one line of text each."""


class CaptionError(RuntimeError):
    """The captioner's package or weights are missing; the message says how to get them."""
