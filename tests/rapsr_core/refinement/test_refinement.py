import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from rapsr_core.priors import load_prior
from rapsr_core.refinement import RefinementError, load_refinement, plugged_in


def forward(unet: UNet2DConditionModel) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    z, text = torch.randn(1, unet.config.in_channels, 8, 8, generator=generator), torch.randn(1, 77, 16, generator=generator)
    with torch.no_grad():
        return unet(z, torch.tensor(500), text).sample


def test_plugging_in_equals_the_adapter_and_leaving_restores(assets: Path) -> None:
    prior = load_prior(assets / "prior")
    refinement = load_refinement(assets / "refinement", prior)
    before, pointers = forward(prior.unet), {n: p.data_ptr() for n, p in prior.unet.named_parameters()}
    with plugged_in(prior.unet, refinement, 1.0):
        merged = forward(prior.unet)
    assert torch.equal(forward(prior.unet), before)
    assert {n: p.data_ptr() for n, p in prior.unet.named_parameters()} == pointers
    prior.unet.load_lora_adapter(assets / "refinement", prefix="unet", weight_name="pytorch_lora_weights.safetensors")
    assert (forward(prior.unet) - before).abs().max() > 1e-2
    assert (forward(prior.unet) - merged).abs().max() < 1e-4


def test_strength_0_changes_nothing(assets: Path) -> None:
    prior = load_prior(assets / "prior")
    before = forward(prior.unet)
    with plugged_in(prior.unet, load_refinement(assets / "refinement", prior), 0.0):
        assert torch.equal(forward(prior.unet), before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prior_fingerprint": "0" * 16}, "fingerprint 0000"),
        (
            {"token_ids": {"[X]. ": [314, 343, 269]}},
            "[314, 343, 269], this tokenizer gives [314, 343, 26262] (merged), [314, 343, 316, 269] (split)",
        ),
        ({"format": "dora"}, "'dora'; it must be one of lora, full, delta"),
        ({"format": "delta"}, "delta.safetensors not found"),
    ],
)
def test_what_differs_is_said(assets: Path, tmp_path: Path, change: dict, message: str) -> None:
    folder = shutil.copytree(assets / "refinement", tmp_path / "refinement")
    facts = json.loads((folder / "refinement.json").read_text())
    (folder / "refinement.json").write_text(json.dumps(facts | change))
    with pytest.raises(RefinementError, match=re.escape(message)):
        load_refinement(folder, load_prior(assets / "prior"))


def test_a_folder_without_a_refinement(assets: Path, tmp_path: Path) -> None:
    with pytest.raises(RefinementError, match=r"is not a refinement: refinement\.json not found"):
        load_refinement(tmp_path, load_prior(assets / "prior"))


def test_the_shipped_refinement_without_a_format_is_lora() -> None:
    refinement = load_refinement("embedded", load_prior("embedded"))
    assert refinement.facts["format"] == "lora"
    assert refinement.token_ids == {"[X]. ": (314, 343, 26262), "[V]. ": (314, 341, 26262)}


def test_the_split_form_is_accepted_and_exposed(assets: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(assets / "refinement", tmp_path / "refinement")
    facts = json.loads((folder / "refinement.json").read_text())
    facts["token_ids"]["[V]. "] = [314, 341, 316, 269]
    (folder / "refinement.json").write_text(json.dumps(facts))
    refinement = load_refinement(folder, load_prior(assets / "prior"))
    assert refinement.token_ids == {"[X]. ": (314, 343, 26262), "[V]. ": (314, 341, 316, 269)}


def test_broken_files_are_named(assets: Path, tmp_path: Path) -> None:
    folder, prior = shutil.copytree(assets / "refinement", tmp_path / "refinement"), load_prior(assets / "prior")
    (folder / "pytorch_lora_weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(RefinementError, match=r"pytorch_lora_weights\.safetensors cannot be read"):
        load_refinement(folder, prior)
    (folder / "refinement.json").write_text('{"prior": "x"}')
    with pytest.raises(RefinementError, match="does not say: identifiers, token_ids, prior_fingerprint"):
        load_refinement(folder, prior)
    (folder / "refinement.json").write_text("{")
    with pytest.raises(RefinementError, match=r"refinement\.json is not JSON"):
        load_refinement(folder, prior)
