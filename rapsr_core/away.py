"""Comparisons in another process, the one that has the GPU (ZeroGPU of Hugging Face Spaces).

That process is a fork of this one as it was at some time before, and may serve several errands. What it learns is lost with it, so it is sent back:
speeds, and the baseline to keep. This process loads weights onto the processor only, and never touches the GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from rapsr_core import ASSETS
from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.errand import Errand, Learned, Raised, packed, unpacked
from rapsr_core.events import Event, Prepared
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import ImageError
from rapsr_core.kept import KeptBaselines
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe
from rapsr_core.run import output_megapixels
from rapsr_core.speeds import LONGEST_RESERVED_S, Speeds, reserved_seconds

Task = Callable[[bytes, float], Generator[bytes, None, None]]
"""An errand and the seconds to ask for -> what comes back, one by one."""
Worker = Callable[[Task], Task]
"""Makes a task run in the other process. Closing what it returns closes the generator there."""


class Away(Comparer):
    """A Comparer whose comparisons run in a worker."""

    def __init__(self, worker: Worker, assets: Path = ASSETS, device: Device | None = None) -> None:
        super().__init__(assets, device)
        self._arrived = False  # in the worker
        self._run_away = worker(self._errand)

    @property
    def device_reason(self) -> str:
        """Where it computes, and for how long at most."""
        return f"{self.device.reason}, in a process that has it for at most {LONGEST_RESERVED_S:.0f} s a comparison"

    def check_size(self, height: int, width: int, recipe: Recipe) -> None:
        """As Comparer's, and ImageError for what would need the GPU longer than it is asked for."""
        super().check_size(height, width, recipe)
        needed = reserved_seconds(self.speeds, recipe, height * width * SCALE**2 / 1e6)
        if needed > LONGEST_RESERVED_S:
            raise ImageError(
                f"{width} x {height} px would need the GPU for about {needed:.0f} s, over the limit of {LONGEST_RESERVED_S:.0f}; "
                "crop the image, reduce it, or take fewer steps"
            )

    def measure(self, recipe: Recipe) -> None:
        """Nothing: the GPU's time is the visitor's, and the first comparison measures as well."""

    def compare(self, image: Tensor, recipe: Recipe, metrics: Sequence[str] = LIVE) -> Generator[Event, None, None]:
        """As Comparer's; what the worker learns is kept here."""
        self.check_size(image.shape[-2], image.shape[-1], recipe)
        with self._slot:
            self._refinement(recipe)  # loaded once here, not in every new worker
            asked = self.prepared(image, host_info(recipe.host).completed(recipe)).recipe
            kept = self._baselines.get(image, asked, metrics)
            seconds = reserved_seconds(self.speeds, asked, output_megapixels(image), baseline=kept is None)
            errand = packed(Errand(image, asked, tuple(metrics), self.speeds.known, kept))
            with closing(self._run_away(errand, seconds)) as coming:
                for item in map(unpacked, coming):
                    match item:
                        case Learned():
                            self.speeds.learn(item.speeds)
                            if item.recipe is not None and item.baseline is not None:
                                self._baselines.keep(image, item.recipe, metrics, item.baseline)
                        case Raised():
                            raise item.error
                        case _:
                            yield item

    def _errand(self, errand: bytes, seconds: float) -> Generator[bytes, None, None]:
        """In the worker: a comparison and what it learns, packed. The lock is new, for it was forked as it was, perhaps held."""
        given: Errand = unpacked(errand)
        self._arrived, self._loading = True, threading.Lock()
        self.speeds, self._baselines = Speeds(dict(given.speeds)), KeptBaselines(1)
        if given.kept:
            self._baselines.keep(given.image, given.recipe, given.metrics, given.kept.to(self.device.device))
        told, asked = self._baselines.newest, given.recipe
        try:
            with closing(self._timed(given.image, given.recipe, given.metrics)) as events:
                for event in events:
                    if isinstance(event, Prepared):
                        asked = replace(asked, caption=event.recipe.caption)
                    if (made := self._baselines.newest) is not told:
                        told = made
                        yield packed(Learned(self.speeds.known, asked, made))
                    yield packed(event)
            yield packed(Learned(self.speeds.known))
        except Exception as error:
            yield packed(Raised(error))

    def _own_caption(self, image: Tensor, recipe: Recipe) -> str | None:
        """A host's own tagger needs the host, so only the worker asks it; here such a caption is still to be written."""
        if host_info(recipe.host).captions == "host" and not self._arrived:
            return None
        return super()._own_caption(image, recipe)
