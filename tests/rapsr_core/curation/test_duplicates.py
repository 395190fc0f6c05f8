"""Near duplicates: the same pairs as comparing all with all."""

import numpy as np
import pytest

from rapsr_core.curation.duplicates import cluster_numbers, near_pairs


def hashes(count: int, seed: int) -> np.ndarray:
    """Distinct random hashes, half of them a few flipped bits away from another."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 2**64, count // 2, dtype=np.uint64)
    flips = np.array(
        [np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, rng.integers(1, 18), dtype=np.uint64)) for _ in first]
    )
    return np.unique(np.concatenate([first, first ^ flips]))


@pytest.mark.parametrize("distance", [0, 3, 4, 8, 10, 15])
def test_pairs_are_those_of_comparing_all_with_all(distance: int) -> None:
    found = hashes(600, distance)
    apart = np.bitwise_count(found[:, None] ^ found[None])
    expected = {(a, b) for a, b in np.argwhere(apart <= distance).tolist() if a < b}
    assert {(a, b) for a, b in near_pairs(found, distance).tolist()} == expected
    assert distance < 3 or expected


def clusters(ids: str, texts: list[str], max_distance: int) -> list[list[str]]:
    """Groups of two or more ids by their numbers."""
    numbers = cluster_numbers(texts, max_distance).tolist()
    groups = {n: [name for name, own in zip(ids, numbers, strict=True) if own == n] for n in dict.fromkeys(numbers)}
    return [group for group in groups.values() if len(group) > 1]


def test_a_chain_is_one_cluster_and_equal_hashes_are_together() -> None:
    texts = ["0000000000000000", "000000000000000f", "00000000000000ff", "ffffffff00000000", "0000000000000000"]
    assert clusters("abcde", texts, 4) == [["a", "b", "c", "e"]]
    assert clusters("abcde", texts, 0) == [["a", "e"]]
    assert len(cluster_numbers([], 4)) == 0


def test_a_distance_beyond_the_method_is_refused() -> None:
    with pytest.raises(ValueError, match="max_distance is 16; it must be from 0 to 15"):
        cluster_numbers(["0" * 16], 16)
