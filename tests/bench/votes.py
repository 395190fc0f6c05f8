"""How often the 95 % intervals of ratings hold the truth, over simulated votes.

PYTHONPATH=.:tests/support python tests/bench/votes.py
"""

import numpy as np
from votes_by_hand import contender, simulate

from rapsr_core.votes import rate

TRUTH = {"a": 1.0, "b": 0.2, "c": -0.3, "d": -0.9}
EXPERIMENTS = 300

if __name__ == "__main__":
    hosts = [contender(name) for name in TRUTH]
    for count in (30, 120, 500):
        inside = []
        for seed in range(1000, 1000 + EXPERIMENTS):
            for row in rate(simulate(hosts, list(TRUTH.values()), 0.6, count, seed), "host").rows:
                inside.append(row.low is not None and row.high is not None and row.low < TRUTH[row.name] < row.high)
        print(f"{count} votes: {np.mean(inside):.4f} of {len(inside)} intervals")
