import pytest

from rapsr_core.hosts.prompting import OFFICIAL_PROMPTS
from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.priors import PRIORS
from rapsr_core.recipe import Recipe, RecipeError


def test_rows_are_complete() -> None:
    for name, row in HOSTS.items():
        assert row.name == name
        assert row.prior in PRIORS
        assert row.label and row.code_licence and row.weights_licence and row.refinement and row.parity


def test_the_default_recipe_uses_its_hosts_settings() -> None:
    row = HOSTS[Recipe().host]
    assert (row.steps, row.guidance_scale) == (Recipe().steps, Recipe().guidance_scale)


def test_an_unknown_host_is_named_with_the_choices() -> None:
    with pytest.raises(RecipeError, match="host is 'swinir'; it must be one of embedded, "):
        host_info("swinir")


@pytest.mark.parametrize(("name", "method"), [("seesr", "SeeSR"), ("pasd", "PASD")])
def test_words_are_the_official_ones(name: str, method: str) -> None:
    row, official = HOSTS[name], OFFICIAL_PROMPTS[method]
    assert (row.prompt, row.positive, row.negative) == (official.positive, official.added, official.negative)
