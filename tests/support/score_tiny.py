"""A scoring run of its own, for tests that kill it: python score_tiny.py POOL OUT LOG DELAY_S."""

import sys
from pathlib import Path

from tiny_stages import LIGHT, SIZE, noted

from rapsr_core.curation.engines import score_pool
from rapsr_core.curation.items import find_items
from rapsr_core.curation.local import Local

if __name__ == "__main__":
    pool, out, log, delay_s = sys.argv[1:]
    stages = (SIZE, LIGHT, noted(log, float(delay_s)))
    score_pool(find_items(pool), stages, Path(out), Local(2), lambda p: print(p, flush=True), shard_images=8)
