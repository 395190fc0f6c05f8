"""The side of a tile from free memory."""

import re

import pytest

from rapsr_core.sampling.official_tiling import SEESR, STABLESR
from rapsr_core.sampling.tile_choice import SHARE, MemoryNeed, choose_tile, halved
from rapsr_core.sampling.tiling import OURS, tiles

NEED = MemoryNeed(image=100, denoise=1000, decode=0)


def chosen(output_size, free_bytes, need=NEED, published_px=None, tiling=OURS, cleaner=lambda side: 0):
    return choose_tile(output_size, need, published_px, int(free_bytes), tiling, cleaner)


def test_an_image_that_fits_is_taken_at_once():
    choice = chosen((768, 1024), 8e9)
    assert choice.tile_px == 1024
    assert choice.reason == "the whole image at once: about 0.9 GB of 8.0 GB free memory"


def test_more_memory_never_gives_a_smaller_largest_tile_and_what_is_chosen_fits():
    for free in (0.4e9, 0.6e9, 0.8e9, 1.2e9):
        choice = chosen((1024, 1024), free)
        taken = 100 * 1024**2 + 1000 * choice.tile_px**2
        assert taken <= SHARE * free
        if choice.tile_px < 1024:
            assert re.fullmatch(rf"tiles of {choice.tile_px} px: the whole image would take about 1.2 GB, and {free / 1e9:.1f} GB are free", choice.reason)  # fmt: skip
    assert chosen((1024, 1024), 1e12).tile_px == 1024


def test_a_host_has_a_largest_tile_whatever_the_memory():
    choice = chosen((2048, 2048), 1e12)
    assert choice.tile_px <= 1024
    assert "the host takes at most 1024 px at once" in choice.reason


def test_a_hosts_published_tile_is_taken_where_it_fits():
    assert chosen((2048, 2048), 1e12, published_px=512, tiling=STABLESR).tile_px == 512
    assert chosen((2048, 2048), 1e12, published_px=512, tiling=STABLESR).reason == "tiles of 512 px, as the host was published"
    assert chosen((700, 1000), 1e12, published_px=768, tiling=SEESR).tile_px == 768
    assert chosen((700, 700), 1e12, published_px=768, tiling=SEESR).tile_px == 700
    assert chosen((2048, 2048), 0.9e9, published_px=768, tiling=SEESR).tile_px < 768


@pytest.mark.parametrize("size", [(2048, 2048), (1100, 3000), (1600, 1200), (4096, 4096)])
def test_no_other_side_that_fits_takes_less_work(size):
    def work(side):
        return sum((t.bottom - t.top) * (t.right - t.left) for t in tiles((size[0] // 8, size[1] // 8), side // 8, 8))

    best = chosen(size, 1e12).tile_px
    assert 512 <= best <= 1024
    assert all(work(best) <= work(side) for side in range(512, 1025, 64))
    assert work(best) < 1.8 * size[0] * size[1] / 64


def test_the_codec_counts_with_its_own_largest_tile():
    heavy = MemoryNeed(image=0, denoise=10, decode=4000, decode_px=512)
    assert chosen((1024, 1024), 1.1 * 4000 * 512**2 / SHARE, heavy).tile_px == 1024
    assert chosen((1024, 1024), 0.9 * 4000 * 512**2 / SHARE, heavy).tile_px < 512


def test_a_cleaner_counts_too():
    assert chosen((1024, 1024), 3e9).tile_px == 1024
    assert chosen((1024, 1024), 3e9, cleaner=lambda side: 4000 * side**2).tile_px < 1024


def test_where_nothing_fits_the_smallest_is_tried_and_said_so():
    choice = chosen((2048, 2048), 1e8)
    assert choice.tile_px == 256
    assert "the smallest: 0.1 GB are free, about 0.5 GB needed, which may not be enough" in choice.reason


@pytest.mark.parametrize(("tile_px", "expected"), [(512, 256), (832, 384), (4096, 512), (64, 64), (100, 64)])
def test_half_a_tile_is_a_whole_number_of_steps(tile_px, expected):
    assert halved(tile_px, (1024, 768)) == expected
