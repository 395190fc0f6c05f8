"""README's example of a host, put where it says, in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_priors import save_tiny

import rapsr_core
from rapsr_core.priors import load_prior
from rapsr_core.refinement.artifact import describe, save_delta
from rapsr_core.weights import VARIABLE

ROOT = Path(rapsr_core.__file__).parents[1]
LAST_OF_THE_TABLE = "    )\n}  # fmt: skip\n"

COMPARE = """
import sys
import torch
from safetensors.torch import save_file
from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.doctor import missing
from rapsr_core.hosts.registry import recipe_from_json

refinement, out = sys.argv[1:]
assert missing("sdedit") == ""
photo = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(1))
comparer, images = Comparer(device=Device(torch.device("cpu"), torch.float32, "test")), {}
for strength in (1.0, 0.0):  # the baseline of the first is shown again in the second
    words = {"positive": "sharp", "negative": "blurry"}
    enhanced = {"positive_identifier": "", "negative_identifier": "", "refinement": refinement, "strength": strength, **words}
    recipe = recipe_from_json({"host": "sdedit", "steps": 4, "caption": "", "baseline": words, "enhanced": enhanced})
    result = comparer.run(photo, recipe, [])
    images |= {"baseline": result.baseline, f"enhanced {strength:g}": result.enhanced}
whole = recipe_from_json({**recipe.to_json(), "host_settings": {"strength": 1.0}})
images["walked from noise"] = comparer.run(photo, whole, []).baseline
save_file(images, out)
"""


@pytest.fixture(scope="module")
def blocks() -> tuple[str, str]:
    """The file and the row."""
    section = (ROOT / "README.md").read_text().partition("\n## Add a host\n")[2].partition("\n## ")[0]
    file, row = re.findall(r"```(?:python)?\n(.*?)```", section, re.DOTALL)
    return file, row


def test_it_is_one_file_and_one_row_of_at_most_60_lines(blocks: tuple[str, str]) -> None:
    assert sum(block.count("\n") for block in blocks) <= 60
    compile(blocks[0], "sdedit.py", "exec")


def test_it_restores_a_picture_and_a_refinement_is_plugged_in(blocks: tuple[str, str], tmp_path: Path) -> None:
    package = shutil.copytree(ROOT / "rapsr_core", tmp_path / "rapsr_core", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "hosts/sdedit.py").write_text(blocks[0])
    registry = (package / "hosts/registry.py").read_text()
    assert registry.count(LAST_OF_THE_TABLE) == 1
    (package / "hosts/registry.py").write_text(registry.replace(LAST_OF_THE_TABLE, blocks[1] + LAST_OF_THE_TABLE))
    prior = load_prior(save_tiny("sd15", tmp_path / "weights/priors/sd15"))
    differences = [(name, 0.3 * torch.ones_like(p)) for name, p in prior.unet.named_parameters() if name.endswith("to_v.weight")]
    save_delta(tmp_path / "refinement", differences, describe("delta", replace(prior, name="sd15"), ("[X]. ", "[V]. "), None))

    environment = {**os.environ, "PYTHONPATH": str(tmp_path), VARIABLE: str(tmp_path / "weights"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", COMPARE, str(tmp_path / "refinement"), str(tmp_path / "images.safetensors")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    images = load_file(tmp_path / "images.safetensors")
    baseline = images["baseline"]
    assert baseline.shape == (1, 3, 96, 128) and baseline.std() > 0.02
    assert not torch.equal(images["enhanced 1"], baseline), "the refinement is plugged in"
    assert torch.equal(images["enhanced 0"], baseline), "and was taken out again: strength 0 under the same words"
    assert not torch.equal(images["walked from noise"], baseline), "its setting acts"
