"""The judge `q-align` on a tiny random instance of pyiqa's classes: a program, since importing them replaces transformers' Llama.

With HF_HUB_CACHE set to an empty folder it prints the error of that, puts the model there, and prints the rows of a dark and a bright
picture as JSON.
"""

import json
import os
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPImageProcessor, LlamaTokenizer

from rapsr_core.curation.judgement import build_for
from rapsr_core.curation.judges.answers import LEVELS
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.picture import Picture
from rapsr_core.images import png_bytes

COMMIT = "a" * 40


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


if __name__ == "__main__":
    try:
        build_for("q-align").build()
    except JudgeError as error:
        print(error)
    save_one_align(Path(os.environ["HF_HUB_CACHE"]))
    pictures = [Picture(png_bytes(torch.full((1, 3, 40, 60), value))) for value in (0.05, 0.95)]
    print(json.dumps(build_for("q-align").build().many(pictures)))
