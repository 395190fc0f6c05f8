import json

import pytest
import torch

from rapsr_core.degradation import PRESETS, degrade, preset, replay

IMAGES = torch.rand(3, 3, 96, 128, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", PRESETS)
def test_each_image_owns_its_generator(name: str) -> None:
    batch = degrade(IMAGES, preset(name), [5, 6, 7])
    assert batch.image.shape == (3, 3, 24, 32)
    turned = degrade(IMAGES.flip(0), preset(name), [7, 6, 5])
    assert torch.equal(turned.image.flip(0), batch.image)
    assert torch.equal(degrade(IMAGES[1:2], preset(name), [6]).image[0], batch.image[1])
    assert torch.equal(batch.image, (batch.image * 255).round() / 255)


def test_a_record_replays_exactly_after_json() -> None:
    made = degrade(IMAGES, preset("rapsr"), [1, 2, 3], resize_back=True)
    assert made.image.shape == IMAGES.shape
    for image, out, record in zip(IMAGES, made.image, made.records, strict=True):
        assert torch.equal(replay(image, json.loads(json.dumps(record)))[0], out)


def test_errors_name_the_value() -> None:
    with pytest.raises(ValueError, match="no degradation preset named 'strong'"):
        preset("strong")
    with pytest.raises(ValueError, match="2 seeds for 3 images"):
        degrade(IMAGES, preset("rapsr"), [1, 2])
    with pytest.raises(ValueError, match="40 x 40 px"):
        degrade(IMAGES[..., :40, :40], preset("rapsr"), [1, 2, 3])
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        degrade(IMAGES * 255, preset("rapsr"), [1, 2, 3])
    with pytest.raises(ValueError, match="RGB"):
        degrade(IMAGES[:, :1], preset("rapsr"), [1, 2, 3])


def test_pixels_do_not_depend_on_threads() -> None:
    image, before = torch.rand(1, 3, 320, 320, generator=torch.Generator().manual_seed(3)), torch.get_num_threads()
    made = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(degrade(image.expand(12, -1, -1, -1), preset("rapsr"), list(range(12))).image)
    torch.set_num_threads(before)
    assert torch.equal(*made)
