"""ZeroGPU of Hugging Face Spaces: a GPU for the time of one call, in a forked process. Imported before torch, for nothing may touch CUDA before
the package `spaces` has been. Elsewhere there is no such process, and the package is not needed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapsr_core.away import Task
    from rapsr_core.comparison import Comparer

ON = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
"""As the package reads it."""

if ON:
    import spaces  # noqa: F401


def comparer(assets: Path) -> Comparer:
    """A Comparer of the device there is; on ZeroGPU one whose comparisons run in its process."""
    if not ON:
        from rapsr_core.comparison import Comparer

        return Comparer(assets)
    from rapsr_core.away import Away

    return Away(on_gpu, assets)


def on_gpu(task: Task) -> Task:
    """`task`, run where the GPU is and asking for as many seconds as its argument says; unchanged outside ZeroGPU or without the package."""
    try:
        import spaces
    except ImportError:
        return task
    decorated: Task = spaces.GPU(task, duration=lambda errand, seconds: round(seconds))
    return decorated
