from rapsr_core.priors.embedded import clip_tokenizer
from rapsr_core.prompts import branch_prompts, compose, tokenize
from rapsr_core.recipe import EnhancedText, Recipe


def test_identifiers_have_the_published_tokens() -> None:
    tokenizer = clip_tokenizer()
    assert tokenize(tokenizer, "[X]. ").token_ids[1:-1] == (314, 343, 26262)
    assert tokenize(tokenizer, "[V]. ").token_ids[1:-1] == (314, 341, 26262)


def test_compose() -> None:
    assert compose("[X]. ", "a photo of a cat", "sharp") == "[X]. a photo of a cat, sharp"
    assert compose("[V]. ", "", "") == "[V]. "


def test_negative_is_the_identifier_without_caption() -> None:
    prompts = branch_prompts(Recipe(enhanced=EnhancedText(positive="crisp")), "a photo")
    assert prompts["enhanced"] == {"positive": "[X]. a photo, crisp", "negative": "[V]. "}
    assert prompts["baseline"]["positive"].startswith("a photo, ")


def test_truncation_is_reported() -> None:
    encoded = tokenize(clip_tokenizer(), "cat " * 200)
    assert encoded.truncated and encoded.count == 202 and len(encoded.token_ids) == encoded.limit == 77
