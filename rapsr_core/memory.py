"""Memory of a run: how much is free, how much was taken at most, and which errors say that there was not enough."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # comes with accelerate
import torch

from rapsr_core.images import ImageError

CGROUP = Path("/sys/fs/cgroup")
"""Version 2, as seen from inside a container."""
_SAMPLE_SECONDS = 0.01
_SHORTAGE = (
    "DefaultCPUAllocator",
    "not enough memory",
    "std::bad_alloc",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "could not create a primitive",
    "could not execute a primitive",
)
"""The last two are oneDNN's: it names no reason, and met under a limit of memory (tests/rapsr_core/test_shortage.py) it says these."""


class NotEnoughMemory(ImageError):
    """A comparison ran out of memory twice; the message says with which tiles, and the remedies."""


def is_shortage(error: BaseException) -> bool:
    """True for an error that says memory ran out: Python's, CUDA's, and those of the processor's allocator, known by their words."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SHORTAGE)


def free_bytes(device: torch.device) -> int:
    """Bytes a run on `device` may take. Processor: what the system, or the container's limit where that is less, still gives."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    available = psutil.virtual_memory().available
    room = container_room(CGROUP)
    return available if room is None else min(available, room)


def container_room(cgroup: Path) -> int | None:
    """Bytes left to a container (files memory.max, memory.current and memory.stat in `cgroup`); None without a limit.

    Inactive pages of files count as free, as in `docker stats`: the kernel takes them back first.
    """
    limit = cgroup / "memory.max"
    if not limit.is_file() or limit.read_text().strip() == "max":
        return None
    counts = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    used = int((cgroup / "memory.current").read_text()) - int(counts["inactive_file"])
    return max(int(limit.read_text()) - used, 0)


@dataclass(frozen=True)
class PeakMemory:
    """The most that was taken over what was taken before, in bytes, and how that was measured."""

    bytes: int
    method: str


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Callable[[], PeakMemory]]:
    """Measures from here on; the value says the peak so far.

    CUDA: the allocator's own count. Processor: memory of the whole process in RAM. Linux keeps its peak, which is set back here through
    /proc/self/clear_refs (`ru_maxrss` cannot be); elsewhere it is sampled a hundred times a second, so a short peak may be missed.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        base = torch.cuda.memory_allocated(device)
        yield lambda: PeakMemory(torch.cuda.max_memory_allocated(device) - base, "CUDA's allocator")
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
        base = _linux_peak_bytes()
        yield lambda: PeakMemory(_linux_peak_bytes() - base, "the process in RAM, the kernel's peak")
    else:
        with _sampled() as peak:
            base = peak()
            yield lambda: PeakMemory(peak() - base, "the process in RAM, sampled every 10 ms")


def _linux_peak_bytes() -> int:
    """VmHWM, which stands at the present size when it has just been set back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


@contextmanager
def _sampled() -> Iterator[Callable[[], int]]:
    process, ended, peak = psutil.Process(), threading.Event(), 0

    def look() -> int:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)
        return peak

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield look
    finally:
        ended.set()
        thread.join()
