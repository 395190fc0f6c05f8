from dataclasses import replace

import pytest

from rapsr_core.hosts.registry import HOSTS, recipe_from_json
from rapsr_core.presets import CHANGES, PRESETS, applied, preset_of, told
from rapsr_core.recipe import EnhancedText


def test_every_host_is_in_the_table() -> None:
    assert set(CHANGES) == set(HOSTS)


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_is_accepted_by_its_host_and_recognised(host: str, name) -> None:
    recipe = applied(name, recipe_from_json({"host": host, "seed": 7, "caption": "x"}))
    HOSTS[host].check(recipe)
    assert (recipe.seed, recipe.caption) == (7, "x")
    assert preset_of(recipe) == (name if name in CHANGES[host] else "balanced")
    assert f"{PRESETS[name].label}: " in told(host)


def test_balanced_is_what_the_host_was_published_with() -> None:
    for host in HOSTS:
        default = recipe_from_json({"host": host})
        assert applied("balanced", applied("fast", default)) == default


def test_fast_is_cheaper() -> None:
    from rapsr_core.speeds import network_passes

    for host in CHANGES:
        default = recipe_from_json({"host": host})
        if "fast" in CHANGES[host]:
            assert sum(network_passes(applied("fast", default))) <= 0.7 * sum(network_passes(default))


def test_own_settings_are_no_preset_and_texts_do_not_matter() -> None:
    default = recipe_from_json({})
    assert preset_of(replace(default, steps=11)) is None
    assert preset_of(replace(default, enhanced=EnhancedText(strength=0.2))) == "balanced"
