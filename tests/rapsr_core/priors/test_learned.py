from pathlib import Path

import pytest
import torch
from tiny_priors import save_tiny

from rapsr_core.priors import load_prior
from rapsr_core.priors.embedded import VOCABULARY_SIZE
from rapsr_core.priors.learned import LearnedTokens, vocabulary
from rapsr_core.prompts import tokenize_prescribed

TEXT, IDENTIFIER = "[X]. a cat", "[X]. "


@pytest.mark.parametrize("name", ["sd21", "sdxl"])
def test_a_vector_equal_to_a_words_is_that_word(name: str, tmp_path: Path) -> None:
    """Both encoders of SDXL, its pooled text too: a learned token that holds the vector of "cat" reads as "cat"."""
    prior = load_prior(save_tiny(name, tmp_path / name))
    tokenizer, stack = prior.tokenizer, prior.text
    (cat,) = tokenizer("cat", add_special_tokens=False).input_ids
    learned = LearnedTokens(stack.encoders, [[cat]])
    assert learned.ids() == [VOCABULARY_SIZE]
    ids = tokenize_prescribed(tokenizer, TEXT, {IDENTIFIER: learned.ids()}).token_ids
    assert ids[1] == VOCABULARY_SIZE
    found, expected = stack.encode_ids([ids], list(learned.vectors)), stack.encode(["cat a cat"])
    torch.testing.assert_close(found.states, expected.states)
    if name == "sdxl":
        torch.testing.assert_close(found.pooled, expected.pooled)
    assert torch.equal(stack.encode(["a cat"]).states, stack.encode_ids([tokenizer("a cat").input_ids]).states)  # no hook is left


def test_only_the_vectors_get_a_gradient(tmp_path: Path) -> None:
    prior = load_prior(save_tiny("sd21", tmp_path / "sd21"))
    learned = LearnedTokens(prior.text.encoders, [[320], [2368]])
    ids = tokenize_prescribed(prior.tokenizer, TEXT, {IDENTIFIER: learned.ids()[:1]}).token_ids
    prior.text.encode_ids([ids], list(learned.vectors)).states.square().sum().backward()
    gradient = learned.vectors[0].grad
    assert gradient is not None and gradient[0].abs().max() > 0 and not gradient[1].any()
    assert vocabulary(prior.text.encoders[0]).weight.grad is None


def test_an_id_without_a_vector_is_refused(tmp_path: Path) -> None:
    prior = load_prior(save_tiny("sd21", tmp_path / "sd21"))
    with pytest.raises(ValueError, match="token id 49409 has no vector: the vocabulary has 49408, and 1 are learned"):
        prior.text.encode_ids([[1, 49409]], [torch.zeros(1, 16)])
