"""What DiffBIR and StableSR share, and comparisons with them from files as they are found on a machine."""

import copy
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from tiny_ldm import host, save_official, save_prior

from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.hosts.spaced import SpacedHost
from rapsr_core.images import resize
from rapsr_core.priors import load_prior
from rapsr_core.priors.checkpoints import CheckpointError
from rapsr_core.recipe import BaselineText, EnhancedText, Recipe
from rapsr_core.refinement import save_refinement
from rapsr_core.refinement.methods import lora_config
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.weights import WeightsError, require

NAMES = ("stablesr", "diffbir-v1", "diffbir-v2")
FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SpacedHost]:
    return {name: host(tmp_path_factory.mktemp(name), name) for name in ("diffbir-v2", "stablesr")}


@pytest.mark.parametrize("name", ["diffbir-v2", "stablesr"])
@pytest.mark.parametrize(
    ("lq", "worked"), [((16, 16), (64, 64)), ((20, 27), (80, 108)), ((12, 15), (64, 80)), ((15, 12), (80, 64))], ids=str
)
def test_a_picture_smaller_than_the_prior_was_trained_on_is_worked_on_at_that_size(hosts, name, lq, worked) -> None:
    image, row = torch.rand(1, 3, *lq, generator=torch.Generator().manual_seed(1)), HOSTS[name]
    guide = torch.rand(1, 3, 4 * lq[0], 4 * lq[1], generator=torch.Generator().manual_seed(2))
    condition = hosts[name].prepare(image, guide, row.recipe(Recipe()), ImageNoise(0))
    assert condition.output_size == worked == tuple(condition.colour_reference.shape[-2:])
    assert all(8 * n >= side and n % 2 == 0 for n, side in zip(condition.latent_size, worked, strict=True))
    assert hosts[name].decode(condition["latent"], condition).shape[-2:] == worked


@pytest.mark.parametrize("name", ["diffbir-v2", "stablesr"])
def test_reduced_precision_stays_near_float32(hosts, photo: torch.Tensor, name: str) -> None:
    built, noise, outputs = copy.copy(hosts[name]), ImageNoise(0), []
    condition = built.prepare(photo, resize(photo, (96, 128)), HOSTS[name].recipe(Recipe()), noise)
    z, t, text = built.start(condition, built.scheduler, noise), torch.tensor(500), built.encode_text([[49406, 320, 2368, 49407]])
    for dtype in (torch.float32, torch.bfloat16):
        built.device = replace(FLOAT32, dtype=dtype)
        outputs.append(built.predict(z, t, text, *built.views(t, condition)))
        assert outputs[-1].dtype == dtype
    full, low = outputs
    assert 0 < (full - low.float()).norm() < 0.1 * full.norm()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder with the prior, and a refinement of it."""
    monkeypatch.setenv("RAPSR_WEIGHTS", str(tmp_path))
    save_prior(tmp_path / "priors/sd21-base")
    prior = load_prior("sd21-base")
    prior.unet.add_adapter(lora_config(4))
    generator = torch.Generator().manual_seed(3)
    for parameter_name, parameter in prior.unet.named_parameters():
        if "lora_B" in parameter_name:
            torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    save_refinement(tmp_path / "refinement", prior, ("[X]. ", "[V]. "), {"steps": 0})
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_comparison_from_files(machine: Path, photo: torch.Tensor, name: str) -> None:
    for other in NAMES:
        save_official(machine, other)
    row, comparer = HOSTS[name], Comparer(machine, FLOAT32)
    enhanced = EnhancedText(refinement=str(machine / "refinement"))
    recipe = replace(row.recipe(Recipe()), steps=2, cleaner="none", enhanced=enhanced)
    result = comparer.run(photo, recipe, ["grid"])
    assert result.baseline.shape == result.enhanced.shape == (1, 3, 96, 128)
    assert 0.01 < (result.baseline - result.enhanced).abs().mean() < 0.5
    texts = {branch: {side: text["text"] for side, text in sides.items()} for branch, sides in result.finished.prompts.items()}
    assert texts == {
        "baseline": {"positive": "", "negative": row.negative},
        "enhanced": {"positive": "[X]. ", "negative": "[V]. "},
    }, "no captioner, as published"
    same = EnhancedText("", "", "a dog", "bad", str(machine / "refinement"), strength=0.0)
    equal = comparer.run(photo, replace(recipe, baseline=BaselineText("a dog", "bad"), enhanced=same), [])
    assert torch.equal(equal.baseline, equal.enhanced)
    refined = comparer.run(
        photo, replace(recipe, baseline=BaselineText("a dog", "bad"), enhanced=replace(same, strength=1.0)), []
    )
    assert torch.equal(refined.baseline, equal.baseline) and not torch.equal(refined.enhanced, equal.enhanced)
    small = comparer.run(photo[..., :16, :16], replace(recipe, output_scale=3.0, cleaner=row.cleaner), [])
    assert small.baseline.shape == (1, 3, 48, 48)
    tiled = comparer.run(photo, replace(recipe, tile_px=64), []).baseline
    assert not torch.equal(tiled, result.baseline), "how near they are is in test_every_host.py"


def test_a_users_caption_is_encoded(machine: Path, photo: torch.Tensor) -> None:
    save_official(machine, "diffbir-v2")
    recipe = HOSTS["diffbir-v2"].recipe(Recipe(caption="a cat . "))
    prepared = Comparer(machine, FLOAT32).prepared(photo, replace(recipe, baseline=BaselineText("sharp")))
    assert prepared.prompts["baseline"]["positive"]["text"] == "a cat . , sharp"
    assert prepared.prompts["enhanced"]["positive"]["text"] == "[X]. a cat . "


@pytest.mark.parametrize(("name", "command"), [
    ("stablesr", "hf download Iceclear/StableSR stablesr_000117.ckpt"),
    ("diffbir-v1", "hf download lxq007/DiffBIR-v2 v1_general.pth"),
    ("diffbir-v2", "hf download lxq007/DiffBIR-v2 v2.pth"),
])  # fmt: skip
def test_what_is_missing_is_told_with_the_command_that_gets_it(tmp_path, monkeypatch, name, command) -> None:
    monkeypatch.setenv("RAPSR_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=re.escape(command)):
        require(HOSTS[name].weights)


def test_a_file_of_another_host_is_refused(tmp_path: Path, hosts) -> None:
    prior = hosts["diffbir-v2"].prior
    files = {name: save_official(tmp_path, name) for name in ("stablesr", "diffbir-v2")}
    with pytest.raises(CheckpointError, match=r"no structure encoder under 'structcond_stage_model\.'"):
        HOSTS["stablesr"].build(prior, {"StableSR": files["diffbir-v2"]["DiffBIR v2"]}, FLOAT32)
    with pytest.raises(ValueError, match="not Stable Diffusion's names"):
        HOSTS["diffbir-v2"].build(prior, files["stablesr"], FLOAT32)
