"""Near duplicates by the distance of 64-bit hashes, exactly, also among a million."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]

MAX_DISTANCE = 10
"""Default, of 64 bits: planted near duplicates are within 10, different pictures of the pool no nearer than that (hashing.perceptual_hash)."""
PARTS = 4
"""A hash is four numbers of 16 bits: among a million, 15 others share one by chance."""
PART_BITS = 16
BATCH = 4_000_000
"""Pairs compared at a time: 100 MB."""


def cluster_numbers(hashes: Sequence[str], max_distance: int) -> NDArray[np.int32]:
    """For each hash (16 hex digits) the number of its cluster, counted from 0 in no particular order.

    A cluster is what a chain of hashes, each within `max_distance` bits of the next, connects. Raises ValueError for a distance outside 0
    to 15 or a bad hash.
    """
    if not 0 <= max_distance < 16:
        raise ValueError(f"max_distance is {max_distance}; it must be from 0 to 15 of 64 bits")
    if not len(hashes):
        return np.zeros(0, dtype=np.int32)
    unique, place = np.unique(np.array([int(h, 16) for h in hashes], dtype=np.uint64), return_inverse=True)
    pairs = near_pairs(unique, max_distance)
    graph = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(unique),) * 2)
    return connected_components(graph, directed=False)[1][place]


def near_pairs(hashes: Hashes, max_distance: int) -> Pairs:
    """(P, 2) pairs of indices of distinct `hashes` within `max_distance` bits, each at least once.

    Multi-index hashing (Norouzi et al. 2012): two hashes within d bits have one of PARTS parts within d // PARTS bits (pigeonhole),
    so only pairs with such a part are compared.
    """
    found = [np.zeros((0, 2), dtype=np.int64)]
    for part in range(PARTS):
        values = ((hashes >> np.uint64(part * PART_BITS)) & np.uint64(2**PART_BITS - 1)).astype(np.int64)
        order = np.argsort(values, kind="stable")
        starts = np.searchsorted(values[order], np.arange(2**PART_BITS + 1))
        for flips in _flips(max_distance // PARTS):
            for a, b in _joined(values, order, starts, flips):
                near = np.bitwise_count(hashes[a] ^ hashes[b]) <= max_distance
                found.append(np.stack([a[near], b[near]], 1))
    return np.concatenate(found)


def _flips(most: int) -> list[int]:
    """Numbers of PART_BITS bits with at most `most` bits set."""
    return [sum(1 << bit for bit in bits) for count in range(most + 1) for bits in combinations(range(PART_BITS), count)]


def _joined(values: Pairs, order: Pairs, starts: Pairs, flips: int) -> Iterator[tuple[Pairs, Pairs]]:
    """Pairs (a, b), a < b, whose parts differ in exactly `flips`, in batches."""
    wanted = values ^ flips
    first, count = starts[wanted], starts[wanted + 1] - starts[wanted]
    ends = np.cumsum(count)
    at = 0
    while at < len(values):
        before = ends[at - 1] if at else 0
        upto = max(at + 1, int(np.searchsorted(ends, before + BATCH, side="right")))
        number = count[at:upto]
        a = np.repeat(np.arange(at, upto), number)
        offset = np.arange(len(a)) - np.repeat(np.cumsum(number) - number, number)
        b = order[np.repeat(first[at:upto], number) + offset]
        yield a[a < b], b[a < b]
        at = upto
