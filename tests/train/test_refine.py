import json
import shutil
from pathlib import Path

import pytest
import torch
from tiny_priors import save_tiny

from rapsr_core.comparison import Comparer
from rapsr_core.priors import load_prior
from rapsr_core.priors.embedded import VOCABULARY_SIZE
from rapsr_core.recipe import EnhancedText, Recipe
from rapsr_core.refinement import RefinementError, load_refinement, plugged_in
from rapsr_core.refinement.exporting import export_delta, export_ldm
from rapsr_core.refinement.shelf import on_shelf
from rapsr_core.refinement.texts import learn_identifiers
from train.refine import curve, main


@pytest.fixture
def options(photos: Path, assets: Path, tmp_path: Path) -> list[str]:
    data = ["--photos", str(photos), "--cache", str(tmp_path / "cache"), "--cache-items", "2"]
    return [*data, "--prior", str(assets / "prior"), "--out", str(tmp_path / "out"), "--rank", "2", "--threads", "1"]


def test_refinement_is_written_and_belongs_to_its_prior(options, assets, tmp_path):
    main([*options, "--steps", "2", "--batch-size", "2", "--resolution", "48", "--export", str(tmp_path / "refinement")])
    facts = json.loads((tmp_path / "refinement/refinement.json").read_text())
    assert facts["steps"] == 2
    assert facts["photographs"] == 3
    assert facts["prior_fingerprint"] == load_prior(assets / "prior").fingerprint
    refinement = load_refinement(tmp_path / "refinement", load_prior(assets / "prior"))
    assert any(torch.count_nonzero(update.delta()) for name, update in refinement.updates.items() if "add_embedding" in name)


def test_a_refinement_is_shelved_under_a_name_that_is_not_taken(options, assets, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RAPSR_REFINEMENTS", str(tmp_path / "shelf"))
    small = [*options, "--steps", "1", "--batch-size", "1", "--resolution", "48", "--shelve", "mine"]
    main([*small, "--learn-identifiers"])
    refinement = load_refinement(on_shelf("mine"), load_prior(assets / "prior"))
    assert len(refinement.learned) == 1 and "wrote refinement mine" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == ["mine"]
    with pytest.raises(SystemExit):
        main([*small, "--dry-run"])
    assert "there is a refinement named mine already; take another name" in capsys.readouterr().err


def test_dry_run_makes_no_cache(options, tmp_path, capsys):
    main([*options, "--dry-run"])
    printed = capsys.readouterr().out
    assert "3 photographs at 128 px; 1200 steps of 16" in printed
    assert "'[X]. ' is token ids [314, 343, 26262]: 75%, target clean" in printed
    assert "memory for weights" in printed
    assert not (tmp_path / "cache").exists()


@pytest.fixture
def published(photos: Path, tmp_path: Path) -> list[str]:
    """The published preset on a tiny SD 2.1, made small enough for a test."""
    folder = save_tiny("sd21", tmp_path / "sd21")
    small = ["--resolution", "96", "--max_train_steps", "2", "--batch-size", "2", "--mixed_precision", "no", "--sheet-steps", "2"]
    where = ["--prior", str(folder), "--cache", str(tmp_path / "cache"), "--output_dir", str(tmp_path / "out")]
    return ["--preset", "paper", "--train_data_dir", str(photos), *where, *small, "--threads", "1"]


@pytest.mark.parametrize(("method", "format_name"), [(None, "full"), ("attention-only", "delta"), ("lora", "lora")])
def test_the_published_run_on_stable_diffusion(published, tmp_path, method, format_name):
    """The format follows from the method; the preset's own is full, and what it says otherwise is kept."""
    chosen = ["--method", method] if method else []
    main([*published, *chosen, "--cache-latents", "--cache-texts", "9", "--export", str(tmp_path / "refinement")])
    prior = load_prior(tmp_path / "sd21")
    refinement = load_refinement(tmp_path / "refinement", prior)
    assert refinement.facts["format"] == format_name
    assert (refinement.facts["learning_rate"], refinement.facts["lr_schedule"]) == (5e-5, "constant")
    assert refinement.facts["photographs"] == 3 and len(refinement.facts["data_fingerprint"]) == 16
    before = {name: weight.clone() for name, weight in prior.unet.named_parameters()}
    with plugged_in(prior.unet, refinement, 1.0):
        changed = {name for name, weight in prior.unet.named_parameters() if not torch.equal(weight, before[name])}
    assert any("attn2" in name for name in changed)
    assert any("resnets" in name for name in changed) == (method != "attention-only")
    assert (tmp_path / "out/sheet-000002.png").is_file()


def test_a_curated_dataset_is_trained_on_with_its_captions(published, photos, tmp_path):
    """As `rapsr_core/curation/dataset.py` writes it; a captioner would call these smooth pictures "a photo"."""
    data = tmp_path / "dataset"
    for folder in ("image", "caption"):
        (data / folder).mkdir(parents=True)
    captions = {f"image/{path.name}": f"Caption of {path.stem}." for path in photos.iterdir()}
    for path in photos.iterdir():
        shutil.copy(path, data / "image")
        florence = {"microsoft-Florence-2-large-ft": {"<MORE_DETAILED_CAPTION>": captions[f"image/{path.name}"]}}
        (data / f"caption/{path.stem}.json").write_text(json.dumps(florence))
    main([*published, "--train_data_dir", str(data), "--method", "lora", "--rank", "2", "--export", str(tmp_path / "refinement")])
    assert json.loads((tmp_path / "cache/captions.json").read_text()) == captions
    assert load_refinement(tmp_path / "refinement", load_prior(tmp_path / "sd21")).facts["photographs"] == 3


def test_faults_get_identifiers_of_their_own(published, tmp_path):
    main([*published, "--faults", "--method", "lora", "--rank", "2", "--export", str(tmp_path / "refinement")])
    refinement = load_refinement(tmp_path / "refinement", load_prior(tmp_path / "sd21"))
    assert refinement.others == {"[N]. ": "noise", "[B]. ": "blur", "[J]. ": "JPEG artefacts"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--objective", "ours"], "--objective ours and --lq-free are for the embedded prior"),
        (["--resolution", "100"], "--resolution is 100; it must be a multiple of 16"),
        (["--push-to-hub", "me/mine"], "--push-to-hub needs --export"),
        (["--push-to-hub", "me/mine", "--shelve", "mine"], "--push-to-hub needs --export"),
        (["--shelve", "a/b"], "'a/b' is no name for a refinement"),
        (["--shelve", "embedded"], "'embedded' is a name that every studio has"),
        (["--shelve", "mine", "--export", "there"], "not allowed with argument"),
        (["--batch-size", "3", "--gradient_accumulation_steps", "2"], "give a multiple of 2"),
        (["--negative-share", "1.2"], "must not be negative and add up to 1"),
    ],
)
def test_bad_arguments_are_refused(published, capsys, given, message):
    with pytest.raises(SystemExit) as error:
        main([*published, *given])
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("prior_name", ["embedded", "sd21"])
def test_learned_identifiers_are_trained_kept_and_used(options, published, assets, tmp_path, prior_name):
    """Their vectors move, travel with the refinement, through a delta too, and are what a comparison encodes."""
    embedded = prior_name == "embedded"
    given = (
        [*options, "--steps", "2", "--batch-size", "2", "--resolution", "48"] if embedded else [*published, "--method", "lora"]
    )
    main([*given, "--learn-identifiers", "--learning-rate", "0.1", "--export", str(tmp_path / "refinement")])
    prior = load_prior(assets / "prior" if embedded else tmp_path / "sd21")
    refinement = load_refinement(tmp_path / "refinement", prior)
    assert refinement.token_ids == {"[X]. ": (VOCABULARY_SIZE,), "[V]. ": (VOCABULARY_SIZE + 1,)}
    start = learn_identifiers(prior.text, ["[X]. ", "[V]. "]).learned
    assert start is not None and all((a - b).abs().max() > 1e-3 for a, b in zip(refinement.learned, start.vectors, strict=True))
    export_delta(refinement, prior, 1.0, tmp_path / "delta")
    assert all(map(torch.equal, load_refinement(tmp_path / "delta", prior).learned, refinement.learned))
    if embedded:
        recipe = Recipe(
            cleaner="none", steps=1, caption="a photo", enhanced=EnhancedText(refinement=str(tmp_path / "refinement"))
        )
        result = Comparer(assets).run(torch.rand(1, 3, 16, 16), recipe, [])
        assert result.finished.prompts["enhanced"]["negative"]["token_ids"][1] == VOCABULARY_SIZE + 1
    else:
        with pytest.raises(RefinementError, match="learned identifiers"):
            export_ldm(refinement, prior, 1.0, tmp_path / "a.safetensors")


@pytest.mark.parametrize(("rows", "kept"), [(1, 1), (100, 100), (101, 51), (250, 84)])
def test_the_curve_of_a_refinement_is_thinned_and_keeps_its_end(tmp_path, rows, kept):
    (tmp_path / "progress.jsonl").write_text("".join(f'{{"step": {i}}}\n' for i in range(rows)))
    found = [row["step"] for row in curve(tmp_path / "progress.jsonl")]
    assert len(found) == kept and found[-1] == rows - 1 and found == sorted(found)
