import json
from pathlib import Path

import pytest
import torch

from rapsr_core.degradation import PRESETS, degrade, draw, preset
from rapsr_core.degradation.preset_file import PresetError, load_preset, preset_from, preset_yaml, read_preset


def test_yaml_and_json_are_the_same(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("base: seesr_mild\nusm: true\norders:\n  - {noise_sigma: [1, 8]}\n  - {}\n")
    (tmp_path / "mine.json").write_text(json.dumps({"base": "seesr_mild", "usm": True, "orders": [{"noise_sigma": [1, 8]}, {}]}))
    one, other = load_preset(tmp_path / "mine.yaml"), load_preset(tmp_path / "mine.json")
    assert one == other
    assert one.name == "mine"
    assert one.orders[0].noise_sigma == (1, 8)
    assert one.orders[1] == preset("seesr_mild").orders[1]
    image = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    assert degrade(image, one, [1]).image.shape == (1, 3, 24, 24)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"noise": 3}, "noise is no field; there are name"),
        ({"orders": [{"noise_sigma": [9, 2]}, {}]}, r"orders\[0\].noise_sigma is \[9, 2\]; it must rise within 0 to 255"),
        ({"orders": [{}, {"jpeg_quality": [30, 120]}]}, r"orders\[1\].jpeg_quality is \[30, 120\]"),
        ({"orders": [{"resize_shares": [0.5, 0.5, 0.5]}, {}]}, "which sums to 1.5; it must sum to 1"),
        ({"orders": [{"resize_range": [0.2, 0.8]}, {}]}, "it must contain 1"),
        ({"orders": [{"blur_share": 1.5}, {}]}, "blur_share is 1.5; it must be a number from 0 to 1"),
        ({"orders": [{}]}, "it must be a list of two tables"),
        ({"base": "strong"}, "no degradation preset named 'strong'"),
        ({"usm": 1}, "usm is 1; it must be true or false"),
        ({"blur_kernel_size": [22, 11]}, "two odd sizes from 5 to 21"),
    ],
)
def test_a_wrong_field_is_named(facts, message):
    with pytest.raises(ValueError, match=message):
        preset_from(facts, "mine")


def test_not_a_table(tmp_path: Path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(PresetError, match="must be a table of fields"):
        load_preset(tmp_path / "list.yaml")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_its_file(name, tmp_path: Path):
    (tmp_path / "any.yaml").write_text(preset_yaml(preset(name)), encoding="utf-8")
    assert load_preset(tmp_path / "any.yaml") == preset(name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: &a [x, x]\nb: &b [*a, *a]\norders: [*b, *b]\n", "mine.yaml has a YAML alias"),
        (b"[" * 5000, "mine.yaml is neither JSON nor YAML"),
        (b"\xff\xfe", "mine.yaml is neither JSON nor YAML"),
        (b"orders: [", "mine.yaml is neither JSON nor YAML"),
    ],
)
def test_a_hostile_file_is_refused(data, message):
    with pytest.raises(PresetError, match=message):
        read_preset(data, "mine", "mine.yaml")


def test_kernel_size_is_ignored_or_honoured():
    """The official loaders draw 7 ... 21 whatever the file says; honoured, sizes are odd, from 3 to the size less 2."""

    def sizes(chosen):
        records = [draw(chosen, seed) for seed in range(600)]
        second = {record["orders"][1]["kernel"]["size"] for record in records if record["orders"][1]["kernel"]}
        return second, {record["final"]["sinc"]["size"] for record in records if record["final"]["sinc"]}

    everything, small = {7, 9, 11, 13, 15, 17, 19, 21}, {3, 5, 7, 9}
    assert sizes(preset("rapsr")) == (everything, everything)
    assert sizes(preset_from({"base": "rapsr", "honour_kernel_size": True}, "mine")) == (small, small)
