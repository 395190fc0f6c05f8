import pytest
from reference import facts

from rapsr_core.hosts.prompting import OFFICIAL_PROMPTS, plain
from rapsr_core.priors.embedded import clip_tokenizer
from rapsr_core.prompts import branch_prompts, tokenize, tokenize_prescribed
from rapsr_core.recipe import BaselineText, EnhancedText, Recipe


def test_identifiers_have_the_published_tokens() -> None:
    tokenizer = clip_tokenizer()
    assert tokenize(tokenizer, "[X]. ").token_ids[1:-1] == (314, 343, 26262)
    assert tokenize(tokenizer, "[V]. ").token_ids[1:-1] == (314, 341, 26262)


def test_blank_parts_leave_no_comma() -> None:
    assert plain("a photo of a cat ", "", "sharp") == "a photo of a cat, sharp"
    assert plain("", " ", "") == ""


def test_negative_is_the_identifier_without_caption() -> None:
    prompts = branch_prompts(Recipe(enhanced=EnhancedText(positive="crisp")), "a photo")
    assert prompts["enhanced"] == {"positive": "[X]. a photo, crisp", "negative": "[V]. "}
    assert prompts["baseline"]["positive"].startswith("a photo, ")


PUBLISHED = facts("prompts_a")["items"]
OWN = [item for item in PUBLISHED if item["method"] != "RAP-SR on SeeSR" and not item.get("user")]
"""A baseline has no words of the user besides those that lead or follow the caption; DiffBIR has only one kind of them."""


@pytest.mark.parametrize("item", OWN, ids=lambda item: f"{item['method']}: {item['positive']}")
def test_a_baseline_has_its_hosts_official_texts(item: dict[str, str]) -> None:
    official = OFFICIAL_PROMPTS[item["method"].removesuffix(" (default captioner)")]
    recipe = Recipe(baseline=BaselineText(item.get("pos_prompt", official.added), official.negative or ""))
    texts = branch_prompts(recipe, item.get("tags", item.get("caption", "")), official.positive)["baseline"]
    assert texts == {"positive": item["positive"], "negative": official.negative or ""}


@pytest.mark.parametrize(
    "item", [item for item in PUBLISHED if item["method"] == "RAP-SR on SeeSR"], ids=lambda item: item["positive"]
)
def test_an_enhanced_branch_has_rap_srs_own_texts(item: dict[str, str]) -> None:
    recipe = Recipe(enhanced=EnhancedText(positive=item["user"]))
    texts = branch_prompts(recipe, item["tags"], OFFICIAL_PROMPTS["SeeSR"].positive)["enhanced"]
    assert texts == {"positive": item["positive"], "negative": item["negative"]}


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
