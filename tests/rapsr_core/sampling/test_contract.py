import torch

from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.tiling import Tile

TAGS = torch.rand(1, 5)
LATENT, PIXELS, INPUT = (torch.arange(n * n).float().view(1, 1, n, n) for n in (16, 64, 8))
CONDITION = Condition(
    {"latent": Part(LATENT, 4), "pixels": Part(PIXELS, 1), "input": Part(INPUT, 8), "tags": Part(TAGS, "global")},
    (16, 16),
    (61, 64),
    4,
    torch.zeros(1, 3, 61, 64),
    class_labels=torch.tensor([20]),
)


def test_a_tile_cuts_every_part_at_its_own_scale() -> None:
    tile = CONDITION.crop(Tile(4, 12, 2, 16))
    assert tile.latent_size == (8, 14)
    assert torch.equal(tile["latent"], LATENT[..., 4:12, 2:16])
    assert torch.equal(tile["pixels"], PIXELS[..., 16:48, 8:64])
    assert torch.equal(tile["input"], INPUT[..., 2:6, 1:8])


def test_what_is_global_stays_whole() -> None:
    tile = CONDITION.crop(Tile(0, 4, 0, 4))
    assert tile["tags"] is TAGS
    assert tile.class_labels is CONDITION.class_labels
    assert tile.output_size == CONDITION.output_size
