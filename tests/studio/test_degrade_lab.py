import json
from dataclasses import fields, replace
from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from rapsr_core.comparison import Comparer
from rapsr_core.degradation import PRESETS, degrade, preset, replay
from rapsr_core.degradation.preset_file import PresetError, load_preset
from rapsr_core.degradation.presets import Order, Preset
from rapsr_core.images import ImageError, read, read_png_text
from studio import degrade_actions, degrade_forms, degrade_tab, degrade_view
from studio.degrade_events import Compare, Handlers
from studio.engine import Engine


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "a clean photo.png"
    Image.effect_noise((203, 130), 60).convert("RGB").save(path)
    return path


def wish(name: str = "rapsr", seed: int = 3, crop_px: int = 128, **changes) -> degrade_actions.Wish:
    return degrade_actions.Wish(replace(preset(name), **changes), seed, crop_px, "codec", False)


@pytest.mark.parametrize("name", PRESETS)
def test_controls_show_a_preset_and_give_it_back(name):
    values = degrade_forms.values_of(preset(name))
    assert list(values) == [knob.path for knob in degrade_forms.KNOBS]
    assert all(knob.low <= values[knob.path] <= knob.high for knob in degrade_forms.KNOBS if knob.kind == "slider")
    found = degrade_forms.preset_of(values, "mine")
    assert replace(found, name=name) == preset(name)
    assert found.name in PRESETS


def test_every_field_of_a_preset_has_a_control():
    paths = [knob.path for knob in degrade_forms.KNOBS]
    for field in fields(Preset):
        if field.name not in ("name", "orders"):
            assert any(path == field.name or path.startswith(f"{field.name}.") for path in paths), field.name
    for field in fields(Order):
        for number in (0, 1):
            start = f"orders.{number}.{field.name}"
            assert any(path == start or path.startswith(f"{start}.") for path in paths), start


def test_a_preset_beyond_the_usual_stretches_its_slider():
    far = replace(preset("rapsr"), orders=tuple(replace(o, noise_sigma=(1, 200)) for o in preset("rapsr").orders))
    changes = dict(zip((k.path for k in degrade_forms.KNOBS), degrade_forms.updates(far), strict=True))
    assert changes["orders.0.noise_sigma.high"] == {"value": 200, "maximum": 200}
    assert changes["orders.0.noise_sigma.low"]["maximum"] == 60


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"orders.0.blur_sigma.low": 4}, "mine", r"orders\[0\].blur_sigma is \[4, 3.0\]; it must rise"),
        ({"orders.1.resize_shares.up": 0.9}, "mine", "0.9 up and 0.4 down, together above 1; lower one"),
        ({"usm": True}, "osediff", "a preset of the core with other values; choose another name"),
        ({"usm": True, "scale": 2}, "", "name is ''"),
        ({"orders.1.grey_share": None}, "mine", "orders.1.grey_share is empty"),
    ],
)
def test_what_is_wrong_is_told(changes, name, message):
    with pytest.raises(PresetError, match=message):
        degrade_forms.preset_of(degrade_forms.values_of(preset("rapsr")) | changes, name)


def test_stages_end_in_what_the_core_makes_and_the_record_replays_it(clean: Path):
    made = degrade_actions.degrade(str(clean), wish(), None)
    hq, lq = read(made.files["hq"]), read(made.files["lq"])
    assert hq.shape == (1, 3, 128, 128) and lq.shape == (1, 3, 32, 32)
    assert torch.equal(hq, read(clean)[..., 1:129, 37:165])
    assert torch.equal(lq, degrade(hq, preset("rapsr"), [3]).image)
    record = json.loads(made.files["record"].read_text())
    assert torch.equal(lq, replay(hq, record))
    assert json.loads(read_png_text(made.files["lq"])[degrade_actions.RECORD_CHUNK]) == record
    assert load_preset(made.files["preset"]) == preset("rapsr")
    assert [p.label for p in made.pictures][:2] == ["0. Photograph", "1. First blur"]
    assert len({p.name for p in made.pictures}) == len(made.pictures) >= 11
    assert "203 × 130 px, of which the central 128 × 128 px are used → 32 × 32 px" in degrade_actions.status(made)


def test_resized_back_the_result_is_still_the_small_one(clean: Path):
    made = degrade_actions.degrade(str(clean), replace(wish("bicubic"), resize_back=True), None)
    assert made.pictures[-1].width_px == 128
    assert read(made.files["lq"]).shape[-1] == 32


def test_only_the_files_of_the_last_two_stay_and_the_choice_in_the_viewer_lasts(clean: Path):
    first = degrade_actions.degrade(str(clean), wish(seed=1), None)
    second = degrade_actions.degrade(str(clean), wish(seed=2), first)
    third = degrade_actions.degrade(str(clean), wish(seed=3, crop_px=96), second)
    assert not first.folder.exists() and second.folder.exists() and third.folder.exists()
    assert first.run == second.run != third.run


def test_what_compare_gets_outlasts_other_degradations(clean: Path):
    made = degrade_actions.degrade(str(clean), wish(), None)
    files = degrade_actions.for_compare(made)
    assert files["lq"].read_bytes() == made.files["lq"].read_bytes()
    assert files["lq"].parent == files["hq"].parent != made.folder
    halved = degrade_actions.degrade(str(clean), wish(scale=2, name="rapsr"), None)
    with pytest.raises(degrade_actions.DegradeError, match="reduced 2 times: set Scale"):
        degrade_actions.for_compare(halved)


def test_a_photograph_that_is_too_small_is_refused(photo: Path):
    with pytest.raises(ImageError, match="32 x 24 px; the degradation needs at least 80 px"):
        degrade_actions.degrade(str(photo), wish(), None)


def test_a_reduction_to_less_than_a_kernel_is_told(clean: Path):
    tiny = replace(preset("rapsr").orders[0], resize_shares=(0.0, 1.0, 0.0), resize_range=(0.05, 1.0), blur_share=1.0)
    seed = next(
        n
        for n in range(99)
        if degrade_actions.draw(replace(preset("rapsr"), orders=(tiny, tiny)), n)["orders"][0]["factor"] < 0.1
    )
    with pytest.raises(degrade_actions.DegradeError, match=r"too small for a 21-px kernel.*use more of the photograph"):
        degrade_actions.degrade(str(clean), wish(seed=seed, crop_px=80, orders=(tiny, tiny)), None)


def test_an_uploaded_preset_is_named_without_its_folder(tmp_path: Path):
    (tmp_path / "bad.yaml").write_text("base: strong\n")
    with pytest.raises(PresetError, match="no degradation preset named 'strong'"):
        degrade_actions.restore(str(tmp_path / "bad.yaml"))
    (tmp_path / "odd.yaml").write_text("[")
    with pytest.raises(PresetError) as told:
        degrade_actions.restore(str(tmp_path / "odd.yaml"))
    assert str(tmp_path) not in str(told.value)
    (tmp_path / "long.yaml").write_text("#" * 70_000)
    with pytest.raises(PresetError, match=r"long.yaml has 70,000 bytes"):
        degrade_actions.restore(str(tmp_path / "long.yaml"))


def test_every_stage_is_told_in_words(clean: Path):
    seen = set()
    for seed in range(12):
        made = degrade_actions.degrade(str(clean), wish("realesrgan", seed, 80), None)
        html = degrade_view.render(made.steps, made.record)
        assert html.count("<tr>") == len(made.steps) + 1
        seen |= {degrade_view.drawn(step.name, made.record).split(",")[0] for step in made.steps}
    assert {"unsharp masking", "rounded to 256 levels", "sinc", "Gaussian", "Poisson", "isotropic Gaussian"} <= seen


def test_a_name_is_no_markup():
    record = {"orders": [], "final": {"mode": "<b>", "sinc": None}, "resize_back": "<i>"}
    html = degrade_view.render([degrade_view.Step("final resize", 1, 1), degrade_view.Step("resized back", 1, 1)], record)
    assert "<b>" not in html and "<i>" not in html


def test_compare_gets_photograph_and_ground_truth(clean: Path, comparer: Comparer):
    made = degrade_actions.degrade(str(clean), wish(), None)
    with gr.Blocks():
        tabs, sent, truth = gr.Tabs(), gr.State(), gr.Image()
        parts = degrade_tab._layout()
    found = Handlers(parts, Engine.of(comparer), Compare(tabs, "compare", sent, truth)).send(made)
    assert Path(found[sent]).read_bytes() == made.files["lq"].read_bytes()
    assert Path(found[truth]).read_bytes() == made.files["hq"].read_bytes()
