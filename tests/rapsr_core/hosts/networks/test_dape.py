from pathlib import Path

import pytest
import torch
from reference import facts, key_list, tensors
from transformers import SwinModel

from rapsr_core.hosts.networks import dape as module
from rapsr_core.hosts.networks.dape import DAPE, load_dape
from rapsr_core.priors.checkpoints import CheckpointError, below

TOLERANCE = 5e-4
FIXTURE = "dape_a"
CONFIG = facts(FIXTURE)["config"]
TAGS = [f"tag {k}" for k in range(CONFIG["tags"])]


def parts() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """RAM's weights and DAPE's changes, as the two files have them."""
    weights = tensors(FIXTURE, "weights")
    return below(weights, "ram/"), below(weights, "dape/")


def reader(ram, dape, thresholds=(0.5,) * 10) -> DAPE:
    return load_dape(ram, dape, TAGS, thresholds, side_px=CONFIG["encoder"]["image_size"])


@torch.inference_mode()
def test_it_sees_and_names_what_the_official_one_does() -> None:
    inputs, outputs = tensors(FIXTURE, "inputs"), tensors(FIXTURE, "outputs")
    ours = reader(*parts())
    reading = ours(inputs["lq"])
    assert (reading.states - outputs["image_states"]).abs().max() <= TOLERANCE
    assert (ours.head(reading.states) - outputs["logits"]).abs().max() <= TOLERANCE
    probabilities = outputs["logits"].sigmoid()
    thresholds = [0.0 if k % 3 == 0 else 1.0 if k % 3 == 1 else probabilities[:, k].mean().item() for k in range(len(TAGS))]
    named = reader(*parts(), thresholds)(inputs["lq"]).tags
    assert named == [[TAGS[k] for k in range(len(TAGS)) if row[k] > thresholds[k]] for row in probabilities]
    assert named[0] != named[1] and all(0 < len(tags) < len(TAGS) for tags in named)


@torch.inference_mode()
def test_the_changes_of_dape_matter() -> None:
    ram, dape = parts()
    lq, expected = tensors(FIXTURE, "inputs")["lq"], tensors(FIXTURE, "outputs")["image_states"]
    assert (reader(ram, {})(lq).states - expected).abs().max() > 100 * TOLERANCE
    captioning = {"text_decoder.bert.encoder.layer.0.attention.self.query.lora_A": torch.ones(8, 768)}
    assert torch.equal(reader(ram, dape | captioning)(lq).states, reader(ram, dape)(lq).states)


def test_files_load_as_their_state_dicts_do(tmp_path: Path) -> None:
    ram, dape = parts()
    old = {name.replace("tagging_head", "vision_multi"): weight for name, weight in ram.items()}
    torch.save({"model": old, "epoch": 1}, tmp_path / "ram.pth")
    torch.save(dape, tmp_path / "dape.pth")
    lq = tensors(FIXTURE, "inputs")["lq"]
    ours, theirs = reader(tmp_path / "ram.pth", tmp_path / "dape.pth")(lq), reader(ram, dape)(lq)
    assert torch.equal(ours.states, theirs.states) and ours.tags == theirs.tags
    torch.save(ram, tmp_path / "bare.pth")
    with pytest.raises(
        CheckpointError, match="this is not RAM's checkpoint: under 'model' it must hold weights, among them visual_encoder"
    ):
        reader(tmp_path / "bare.pth", dape)


def test_what_does_not_fit_is_told() -> None:
    ram, dape = parts()
    for name in ("visual_encoder.norm.bias", "image_proj.bias", "fc.bias"):
        with pytest.raises(CheckpointError, match="1 missing"):
            reader({key: weight for key, weight in ram.items() if key != name}, dape)
    with pytest.raises(CheckpointError, match="1 unexpected"):
        reader(ram | {"visual_encoder.more": ram["image_proj.bias"]}, dape)
    with pytest.raises(CheckpointError, match="RAM has 10 labels, but there are 10 tags and 1 thresholds"):
        reader(ram, dape, [0.5])
    with pytest.raises(CheckpointError, match=r"DAPE changes visual_encoder\.x\.weight, which RAM's"):
        reader(ram, dape | {"visual_encoder.x.lora_A": torch.ones(8, 2)})


def test_every_official_key_of_the_full_size_is_used_and_none_is_invented() -> None:
    keys = key_list("dape")["keys"]
    with torch.device("meta"):
        weights = {name: torch.empty(shape) for name, shape in keys.items() if "lora_" not in name}
        changes = {name: torch.empty(shape) for name, shape in keys.items() if "lora_" in name}
        merged = module._merged(weights, changes)
        config = module.swin_config(below(merged, "visual_encoder."), 384)
        encoder = SwinModel(config, add_pooling_layer=False).state_dict()
        head = module.tagging_head(merged).state_dict()
    assert (config.embed_dim, config.depths, config.num_heads, config.window_size) == (192, [2, 2, 18, 2], [6, 12, 24, 48], 12)
    used = module._encoder_weights(below(merged, "visual_encoder."))
    assert {name: weight.shape for name, weight in used.items()} == {name: weight.shape for name, weight in encoder.items()}
    others = {name: weight.shape for name, weight in merged.items() if not name.startswith(("visual_encoder.", "image_proj."))}
    assert others == {name: weight.shape for name, weight in head.items()}
    assert len(changes) == 2 * (24 + 2 * 2), "a pair for every block, and for queries and keys of the head's two layers"
