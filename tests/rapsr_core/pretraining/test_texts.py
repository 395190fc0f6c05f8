import numpy as np
import pytest
import torch

from rapsr_core.pretraining.targets import WORDS, degrade_target
from rapsr_core.pretraining.texts import (
    DROP_TEXT_SHARE,
    LQ_TARGET_SHARE,
    NEUTRAL_PREFIX_SHARE,
    TRUE_WORDS_SHARE,
    choose_target_and_text,
    training_text,
)
from rapsr_core.training.cache import ITEM_PX, Item, as_tensor

DRAWS = 4000
ITEM = Item(
    target=np.full((ITEM_PX, ITEM_PX, 3), 200, np.uint8),
    cleaned=np.full((ITEM_PX, ITEM_PX, 3), 100, np.uint8),
    lq=np.full((ITEM_PX // 4, ITEM_PX // 4, 3), 50, np.uint8),
    photo="a.png",
    quality="good",
)


def bound(share: float, draws: int = DRAWS) -> float:
    """Four standard deviations of a binomial share."""
    return 4 * (share * (1 - share) / draws) ** 0.5


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [training_text("a lake", "blur", np.random.default_rng([1, n])) for n in range(DRAWS)]


def test_shares_of_text(texts):
    assert texts.count("") / DRAWS == pytest.approx(DROP_TEXT_SHARE, abs=bound(DROP_TEXT_SHARE))
    kept = [text for text in texts if text]
    prefixed = sum(text[0] == "[" for text in kept) / len(kept)
    assert prefixed == pytest.approx(NEUTRAL_PREFIX_SHARE, abs=bound(NEUTRAL_PREFIX_SHARE, len(kept)))
    assert all("a lake" in text for text in kept)


def test_quality_words_mostly_tell_the_truth(texts):
    true = sum(any(words in text for words in WORDS["blur"]) for text in texts)
    false = sum(any(words in text for words in WORDS["good"]) for text in texts)
    assert true / (true + false) == pytest.approx(TRUE_WORDS_SHARE, abs=bound(TRUE_WORDS_SHARE, true + false))


def test_a_share_of_targets_is_the_lq_itself():
    chosen = [choose_target_and_text({"a.png": "a lake"}, ITEM, np.random.default_rng([2, n])) for n in range(400)]
    blown_up = [text for target, text in chosen if torch.allclose(target, torch.tensor(50 / 255))]
    assert len(blown_up) / 400 == pytest.approx(LQ_TARGET_SHARE, abs=bound(LQ_TARGET_SHARE, 400))
    assert any(words in text for text in blown_up for words in WORDS["mixed"])
    assert all(target.shape == (1, 3, ITEM_PX, ITEM_PX) for target, _ in chosen)


def test_half_of_the_targets_have_a_fault():
    crop = as_tensor(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8))
    kinds = []
    for n in range(200):
        target, quality = degrade_target(crop, np.random.default_rng([3, n]))
        kinds.append(quality)
        assert target.shape == crop.shape
        assert torch.equal(target, crop) == (quality == "good")
        assert target.min() >= 0 and target.max() <= 1
    assert kinds.count("good") / 200 == pytest.approx(0.5, abs=bound(0.5, 200))
    assert set(kinds) == set(WORDS)
