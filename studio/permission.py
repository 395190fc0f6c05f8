"""What a visitor may start: processes and servers are for the machine's owner, so they are off on public Spaces unless allowed."""

from __future__ import annotations

import os

SPACE, ALLOW = "SPACE_ID", "RAPSR_ALLOW_JOBS"


def jobs_allowed() -> bool:
    """Whether the page may start processes: everywhere but on a Space, there with RAPSR_ALLOW_JOBS=1."""
    return SPACE not in os.environ or os.environ.get(ALLOW) == "1"
