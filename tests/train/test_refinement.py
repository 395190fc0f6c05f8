import json

import pytest
import torch

from rapsr_core.priors import load_prior
from rapsr_core.refinement import load_refinement
from train.refinement import main


@pytest.fixture
def prior(assets):
    return str(assets / "prior")


@pytest.fixture
def official(assets, tmp_path):
    """A UNet trained from the tiny prior, as a folder."""
    unet = load_prior(assets / "prior").unet
    unet.get_parameter("conv_out.weight").add_(0.125)
    unet.save_pretrained(tmp_path / "rap-sr-unet")
    return str(tmp_path / "rap-sr-unet")


def test_import_then_show_then_export(official, prior, tmp_path, capsys):
    main(["import", official, "--prior", prior, "--as", "full", "--out", str(tmp_path / "full")])
    main(["show", str(tmp_path / "full")])
    printed = capsys.readouterr().out
    loaded = load_prior(prior)
    assert "'[X]. ' (positive), token ids [314, 343, 316, 269]" in printed
    assert f"fingerprint {loaded.fingerprint}" in printed
    size = (tmp_path / "full/unet/diffusion_pytorch_model.safetensors").stat().st_size
    assert f"format       full, {size / 1e6:.2f} MB" in printed
    main(["export", str(tmp_path / "full"), "--prior", prior, "--to", "delta", "--out", str(tmp_path / "delta")])
    delta = load_refinement(tmp_path / "delta", loaded)
    assert list(delta.updates) == ["conv_out.weight"]
    torch.testing.assert_close(
        delta.updates["conv_out.weight"].difference.float(), torch.full((48, 8, 3, 3), 0.125), rtol=0, atol=1e-3
    )
    assert json.loads((tmp_path / "delta/refinement.json").read_text())["identifier_tokens"] == "split"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["show", "{tmp}"], "refinement.json not found"),
        (["import", "{tmp}", "--prior", "{prior}", "--out", "{tmp}/new"], "must hold config.json and"),
        (["import", "{official}", "--prior", "{prior}", "--out", "{assets}/refinement"], "holds a refinement already"),
        (["import", "{official}", "--prior", "nowhere", "--out", "{tmp}/new"], "no prior at 'nowhere'"),
        (["export", "{assets}/refinement", "--prior", "{prior}", "--to", "ldm", "--out", "{tmp}/a"], "must end in .safetensors"),
        (["export", "{assets}/refinement", "--prior", "{prior}", "--to", "ldm", "--out", "{tmp}/a.safetensors"], "no other name"),
        (["export", "{assets}/refinement", "--to", "delta", "--out", "{tmp}/new"], "fingerprint"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, message, official, prior, assets, tmp_path, capsys):
    values = {"tmp": tmp_path, "prior": prior, "official": official, "assets": assets}
    with pytest.raises(SystemExit) as exit_:
        main([part.format(**values) for part in command])
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert exit_.value.code == 2
    assert error.startswith("error: ") and message in error
    assert not (tmp_path / "new").exists()
