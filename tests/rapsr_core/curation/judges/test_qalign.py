"""Q-Align through pyiqa, on a tiny random instance of pyiqa's own classes in a hub cache of the test's."""

import json
import sys
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPImageProcessor, LlamaTokenizer

from rapsr_core.curation.judgement import build_for
from rapsr_core.curation.judges.answers import LEVELS
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.judges.qalign import inverted
from rapsr_core.curation.picture import Picture
from rapsr_core.images import png_bytes

COMMIT = "a" * 40


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty hub cache, and no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def llama_words() -> LlamaTokenizer:
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    texts = [f"USER: How would you rate the quality of this image? ASSISTANT: The quality of the image is {w}" for w in LEVELS]
    inner.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"]))
    model = json.loads(inner.to_str())["model"]
    return LlamaTokenizer(vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]])


def save_one_align(hub: Path) -> None:
    from pyiqa.archs.q_align.configuration_mplug_owl2 import MPLUGOwl2Config, MplugOwlVisionConfig, MplugOwlVisualAbstractorConfig
    from pyiqa.archs.q_align.modeling_mplug_owl2 import MPLUGOwl2LlamaForCausalLM

    repository = hub / "models--q-future--one-align"
    folder = repository / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(COMMIT)
    words = llama_words()
    words.save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 448}, crop_size={"height": 448, "width": 448}).save_pretrained(folder)
    # weights large enough that a random model attends to the image at fp16's resolution
    small = {
        "initializer_range": 0.12,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    vision = MplugOwlVisionConfig(**small, image_size=448, patch_size=112)
    abstractor = MplugOwlVisualAbstractorConfig(**small, num_learnable_queries=4, encoder_hidden_size=32, grid_size=4)
    visual = {"visual_model": vision.to_dict(), "visual_abstractor": abstractor.to_dict()}
    torch.manual_seed(0)
    MPLUGOwl2LlamaForCausalLM(MPLUGOwl2Config(visual_config=visual, vocab_size=len(words), **small)).half().save_pretrained(
        folder
    )


def test_two_scores_of_each_picture_between_bad_and_excellent(hub):
    pytest.importorskip("pyiqa")
    pytest.importorskip("icecream")
    save_one_align(hub)
    judge = build_for("q-align").build()
    pictures = [Picture(png_bytes(torch.full((1, 3, 40, 60), value))) for value in (0.05, 0.95)]
    rows = judge.many(pictures)
    for row in rows:
        assert set(row) == {column.name for column in build_for("q-align").columns}
        assert all(1 < row[name] < 5 for name in ("quality", "aesthetics"))
    assert rows[0]["quality"] != rows[0]["aesthetics"]
    assert rows[0]["quality"] != rows[1]["quality"]


def test_without_its_weights_the_command_is_said(hub):
    pytest.importorskip("pyiqa")
    pytest.importorskip("icecream")
    with pytest.raises(JudgeError, match=r"cannot load q-future/one-align .*: hf download q-future/one-align"):
        build_for("q-align").build()


def test_without_a_package_the_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(JudgeError, match="judge q-align needs pyiqa: pip install pyiqa icecream"):
        build_for("q-align").build()


def test_a_mask_keeps_what_is_one_and_shuts_what_is_zero():
    weights = (torch.zeros(1, 1, 1, 3).half() + inverted(torch.tensor([[1, 0, 1]]))).softmax(-1)
    assert weights.flatten().tolist() == [0.5, 0, 0.5]
