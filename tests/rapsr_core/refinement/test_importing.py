import copy
import json

import pytest
import torch
from safetensors.torch import save_file

from rapsr_core.prompts import tokenize_prescribed
from rapsr_core.refinement import RefinementError, load_refinement, plugged_in
from rapsr_core.refinement.importing import import_unet


@pytest.fixture
def official(trained_unet, tmp_path):
    """A checkpoint folder as the official code leaves it, in fp32."""
    trained_unet.save_pretrained(tmp_path / "checkpoint-4000/unet")
    return tmp_path / "checkpoint-4000"


@pytest.mark.parametrize("safetensors", [True, False], ids=["safetensors", "bin"])
def test_as_a_full_refinement(sd_prior, trained_unet, official, tmp_path, safetensors) -> None:
    trained_unet.save_pretrained(tmp_path / "rap-sr-unet", safe_serialization=safetensors)
    import_unet(tmp_path / "rap-sr-unet", sd_prior, tmp_path / "out", {}, format_name="full")
    trained = {n: w.half() for n, w in trained_unet.state_dict().items()}
    with plugged_in(sd_prior.unet, load_refinement(tmp_path / "out", sd_prior), 1.0):
        assert all(weight.half().equal(trained[name]) for name, weight in sd_prior.unet.state_dict().items())
    assert json.loads((tmp_path / "out/refinement.json").read_text())["imported_from"] == "rap-sr-unet"


def test_as_a_delta_from_a_checkpoint_folder(sd_prior, trained_unet, official, tmp_path) -> None:
    import_unet(official, sd_prior, tmp_path / "out", {"license": "mit"}, format_name="delta")
    refinement = load_refinement(tmp_path / "out", sd_prior)
    assert refinement.facts["license"] == "mit" and "conv_in.bias" not in refinement.updates
    with plugged_in(sd_prior.unet, refinement, 1.0):
        for name, weight in sd_prior.unet.state_dict().items():
            torch.testing.assert_close(weight, trained_unet.state_dict()[name], rtol=0, atol=0.1 * 2**-11)


@pytest.mark.parametrize(("form", "ids"), [("split", (314, 343, 316, 269)), ("merged", (314, 343, 26262))])
def test_the_form_of_the_identifiers_reaches_the_text_encoder(sd_prior, official, tmp_path, form, ids) -> None:
    import_unet(official, sd_prior, tmp_path / "out", {}, format_name="delta", identifier_tokens=form)
    refinement = load_refinement(tmp_path / "out", sd_prior)
    encoded = tokenize_prescribed(sd_prior.tokenizer, "[X]. a cat", refinement.token_ids)
    assert encoded.token_ids[1:-3] == ids


def test_another_network_is_refused(sd_prior, official, tmp_path) -> None:
    other = copy.deepcopy(sd_prior.unet)
    other.conv_in = torch.nn.Conv2d(8, 8, 3)
    sd_prior.unet.conv_in = other.conv_in
    with pytest.raises(
        RefinementError, match=r"1 weights differ .* conv_in.weight is \(8, 4, 3, 3\) there and \(8, 8, 3, 3\) here"
    ):
        import_unet(official, sd_prior, tmp_path / "out", {}, format_name="full")


def test_incomplete_folders_are_refused(sd_prior, trained_unet, official, tmp_path) -> None:
    with pytest.raises(RefinementError, match=r"must hold config\.json and"):
        import_unet(tmp_path, sd_prior, tmp_path / "out", {}, format_name="full")
    weights = {n: w for n, w in trained_unet.state_dict().items() if n != "conv_out.bias"}
    trained_unet.save_pretrained(tmp_path / "cut", state_dict=weights)

    save_file(weights, tmp_path / "cut/diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RefinementError, match=r"incomplete: weights conv_out\.bias"):
        import_unet(tmp_path / "cut", sd_prior, tmp_path / "out", {}, format_name="full")
