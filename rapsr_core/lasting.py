"""Memory that lasts: what imports leave behind, and the pages that large tensors lie on.

torch, diffusers, transformers and gradio make more than half a million objects. A full garbage collection visits every one, and comes at
any moment, in the middle of a step. Large tensors come and go with every layer, and each comes as new pages of 4 KB, which the kernel
has to find one by one. On a virtual machine both are slow: see "Memory pages" in README.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

GLIBC_TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4000000000:glibc.malloc.trim_threshold=16000000000"
"""An environment for a process to come: pages of 2 MB, and memory that was freed is kept (glibc manual, "Memory Allocation Tunables")."""


def use_large_pages() -> None:
    """Large tensors lie on pages of 2 MB where the kernel grants them when asked. To be called before torch is imported, which reads it then."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


@contextmanager
def lasting() -> Iterator[None]:
    """No collection within, and none ever after of what is there at the end (`gc.freeze`)."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
