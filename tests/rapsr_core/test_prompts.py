import pytest

from rapsr_core.priors.embedded import clip_tokenizer
from rapsr_core.prompts import branch_prompts, compose, tokenize, tokenize_prescribed
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


MERGED = {"[X]. ": (314, 343, 26262), "[V]. ": (314, 341, 26262)}
SPLIT = {"[X]. ": (314, 343, 316, 269), "[V]. ": (314, 341, 316, 269)}


@pytest.mark.parametrize(
    "text", ["[X]. a cat, sharp", "[X]. a cat, ,", "[V]. ", "[V].", "[x].  A Cat", "[X]. " + "cat " * 100, "a cat", ""]
)
def test_prescribed_ids_in_the_merged_form_are_the_tokenizers_own(text: str) -> None:
    tokenizer = clip_tokenizer()
    assert tokenize_prescribed(tokenizer, text, MERGED) == tokenize(tokenizer, text)


def test_prescribed_ids_in_the_split_form() -> None:
    tokenizer = clip_tokenizer()
    assert tokenize_prescribed(tokenizer, "[X]. a cat", SPLIT).token_ids == (49406, 314, 343, 316, 269, 320, 2368, 49407)
    assert tokenize_prescribed(tokenizer, "[V].", SPLIT).token_ids == (49406, *SPLIT["[V]. "], 49407)
    assert tokenize_prescribed(tokenizer, "a cat [X]. ", SPLIT) == tokenize(tokenizer, "a cat [X]. ")
    long = tokenize_prescribed(tokenizer, "[X]. " + "cat " * 100, SPLIT)
    assert long.truncated and long.count == 106 and len(long.token_ids) == 77 and long.token_ids[1:5] == SPLIT["[X]. "]


def test_the_longest_identifier_leads() -> None:
    ids = {"[N]. ": (1,), "[N]. [J]. ": (2, 3)}
    assert tokenize_prescribed(clip_tokenizer(), "[N]. [J]. a", ids).token_ids[1:-1] == (2, 3, 320)
