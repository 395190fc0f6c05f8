import json
import math

import pytest
import torch

from rapsr_core.degradation import PRESETS, degrade, draw, preset, replay

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


def test_draws_follow_the_table() -> None:
    count, table = 20_000, preset("rapsr")
    records = [draw(table, seed) for seed in range(count)]
    shares = {
        "gaussian": (sum(r["orders"][0]["noise"] == "gaussian" for r in records), 0.5),
        "grey": (sum(r["orders"][1]["grey"] for r in records), 0.4),
        "second blur": (sum(r["orders"][1]["kernel"] is not None for r in records), 0.8),
        "sinc": (sum(r["orders"][0]["kernel"]["kind"] == "sinc" for r in records), 0.1),
        "plateau_iso": (sum(r["orders"][0]["kernel"]["kind"] == "plateau_iso" for r in records), 0.9 * 0.12),
        "final sinc": (sum(r["final"]["sinc"] is not None for r in records), 0.8),
        "jpeg last": (sum(r["final"]["jpeg_last"] for r in records), 0.5),
        "enlarged": (sum(r["orders"][0]["factor"] > 1 for r in records), 0.2),
    }
    for name, (seen, share) in shares.items():
        assert abs(seen - count * share) < 5 * math.sqrt(count * share * (1 - share)), name
    assert all(0.15 <= r["orders"][0]["factor"] <= 1.5 and 30 <= r["orders"][0]["jpeg_quality"] <= 95 for r in records)


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
