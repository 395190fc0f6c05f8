import json
from pathlib import Path

import pytest
import torch

from rapsr_core.evaluation.ablation import VARIANTS
from rapsr_core.images import resize, save_png
from rapsr_core.recipe import Recipe
from train.ablate import main


@pytest.fixture
def options(assets: Path, photos: Path, tmp_path: Path) -> list[str]:
    """Two images, and a refinement of one step: enough to have every variant trained, evaluated and in the table."""
    for k, name in enumerate("ab"):
        big = resize(torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(k)), (96, 128))
        for folder, image in (("hq", big), ("lq", resize(big, (24, 32)))):
            (tmp_path / folder).mkdir(exist_ok=True)
            save_png(image, tmp_path / folder / f"{name}.png")
    recipe = {"cleaner": "none", "steps": 1, "caption": "a photo", "colour_fix": "none"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    short = ["--steps", "1", "--batch-size", "2", "--cache-items", "2", "--resolution", "48", "--threads", "1", "--rank", "2"]
    given = [
        "--set",
        str(tmp_path),
        "--curated",
        str(photos),
        "--pool",
        str(photos),
        "--recipe",
        str(tmp_path / "recipe.json"),
        "--assets",
        str(assets),
    ]
    return [*given, "--out", str(tmp_path / "out"), "--metrics", "niqe", "--refine", "--learning-rate", "0.05", *short]


def test_every_variant_is_trained_evaluated_and_compared(options, tmp_path, capsys):
    main(options)
    table = (tmp_path / "out/table.md").read_text()
    assert table in capsys.readouterr().out
    header, _, baseline, *rows = table.splitlines()
    assert header == "| variant | NIQE ↓ | PSNR-Y ↑ | SSIM-Y ↑ | LPIPS ↓ | Grid energy ↓ |"
    assert baseline.startswith("| baseline | ")
    assert [row.split(" | ")[0].strip("| ") for row in rows] == list(VARIANTS)
    assert all(row.count("[") == 5 for row in rows)
    facts = {
        name: json.loads((tmp_path / "out" / name / "refinement/refinement.json").read_text())
        for name in ("RPR", "ROPO", "RPR + ROPO")
    }
    assert [fact["negative_share"] for fact in facts.values()] == [0.0, 0.25, 0.25]
    assert facts["RPR"]["identifiers"]["positive"] == ""
    rows = [(tmp_path / "out" / name / "evaluation/scores.csv").read_text() for name in VARIANTS]
    baselines = [[line.split(",")[2] for line in row.splitlines()[1:]] for row in rows]
    assert all(found == baselines[0] for found in baselines)
    main([*options[: options.index("--refine")], "--variants", "RPR", "--refine", "--learning-rate", "none"])  # trained already


def test_processes_share_the_images(options, tmp_path):
    some = ["--variants", "identifiers alone", "--part"]
    at = options.index("--refine")
    for k in ("0/2", "1/2"):
        main([*options[:at], *some, k, *options[at:]])
    lines = (tmp_path / "out/identifiers alone/evaluation/scores.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["image", "a", "b"]
    with pytest.raises(SystemExit):
        main([*options[:at], *some, "2/2", *options[at:]])


def test_variants_differ_in_the_enhanced_branch_alone():
    recipe = Recipe()
    recipes = {name: variant.recipe(recipe, "somewhere") for name, variant in VARIANTS.items()}
    assert all(r.baseline == recipe.baseline for r in recipes.values())
    assert recipes["RPR"].enhanced.positive == recipe.baseline.positive
    assert recipes["RPR"].enhanced.positive_identifier == ""
    assert recipes["identifiers alone"].enhanced.strength == 0
    assert recipes["RPR + ROPO"].enhanced.refinement == "somewhere"
