import pytest
from reference import facts

from rapsr_core.hosts.prompting import OFFICIAL_PROMPTS, OfficialPrompt

ITEMS = facts("prompts_a")["items"]


def row(item: dict[str, str]) -> OfficialPrompt:
    return OFFICIAL_PROMPTS[item["method"].removesuffix(" (default captioner)")]


def test_there_are_19_items_of_all_methods() -> None:
    assert len(ITEMS) == 19 and {id(row(item)) for item in ITEMS} == {id(row) for row in OFFICIAL_PROMPTS.values()}


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item['method']}: {item['positive']}")
def test_texts_are_exactly_the_official_ones(item: dict[str, str]) -> None:
    method, said = row(item), item.get("tags", item.get("caption"))
    added = item.get("added_prompt", item.get("positive_box", method.added))
    assert method.positive(said, item.get("user", item.get("pos_prompt")), added) == item["positive"]
    assert added == method.added
    if "negative" in item:
        assert method.negative == item["negative"]
    repository, path = item["source"].split("@")[0], item["source"].split()[1]
    assert method.source.startswith(f"{repository} {path}")


def test_diffbirs_own_words_may_be_the_added_ones() -> None:
    diffbir = OFFICIAL_PROMPTS["DiffBIR"].positive
    assert diffbir("a dog", "", "sharp") == diffbir("a dog", "sharp", "") == "a dog, sharp"
