"""Tiny random instances of the real vision-language classes, saved as a hub folder is, with a tokenizer trained here."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPImageProcessor,
    CLIPVisionConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from rapsr_core.curation.judges.answers import ASPECTS, LEVELS, beginning, question

SPECIAL = ["<pad>", "<s>", "</s>", "<image>", "<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|vision_start|>", "<|vision_end|>"]
SPECIAL += ["<|video_pad|>"]
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}


def tokenizer(whole_words: bool, **options: object) -> PreTrainedTokenizerFast:
    """Byte-level BPE. With `whole_words` each level word is one token, else there are no merges and it is its letters."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    sentences = [f"{question(a)} {beginning(a)} {level}. USER: ASSISTANT: assistant" for a in ASPECTS for level in LEVELS]
    letters = pre_tokenizers.ByteLevel.alphabet()
    size = 1000 if whole_words else len(SPECIAL) + len(letters)
    bpe.train_from_iterator(sentences, trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=letters))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<pad>", **options)


def save_llava(folder: Path, whole_words: bool = True) -> Path:
    """LLaVA with a CLIP tower of 32 px, no chat template."""
    torch.manual_seed(0)
    words = tokenizer(whole_words)
    ids = words.convert_tokens_to_ids
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8
    )
    text = LlamaConfig(
        vocab_size=len(words), pad_token_id=0, bos_token_id=1, eos_token_id=2, max_position_embeddings=1024, **SIZE
    )
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=ids("<image>"), image_seq_length=16)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(
        images, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )
    return _save(folder, LlavaForConditionalGeneration(config), processor)


def save_qwen2_vl(folder: Path) -> Path:
    """Qwen2-VL with its chat format: larger pictures are more tokens, so rows of a batch differ in length."""
    torch.manual_seed(0)
    words = tokenizer(whole_words=True)
    ids = words.convert_tokens_to_ids
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(words), "rope_parameters": {"rope_type": "default", "mrope_section": [2, 2, 4], "rope_theta": 1e4},
            "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "max_position_embeddings": 1024, **SIZE,
        },
        vision_config={"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32, "patch_size": 14},
        image_token_id=ids("<|image_pad|>"), video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"), vision_end_token_id=ids("<|vision_end|>"),
    )  # fmt: skip
    images = Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=28 * 28 * 16)
    processor = Qwen2VLProcessor(images, words, Qwen2VLVideoProcessor(), chat_template=CHAT)
    return _save(folder, Qwen2VLForConditionalGeneration(config), processor)


def save_idefics3(folder: Path) -> Path:
    """Idefics3 (SmolVLM's classes but for the video part): a picture is cut into tiles, so rows of a batch differ in tiles and length."""
    torch.manual_seed(0)
    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]
    words = tokenizer(True, additional_special_tokens=["<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *tiles])
    config = Idefics3Config(
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8
        },
        text_config={
            "model_type": "llama", "vocab_size": len(words), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
            "max_position_embeddings": 1024, **SIZE,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"), scale_factor=2,
    )  # fmt: skip
    images = Idefics3ImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    chat = CHAT.replace("<|vision_start|><|image_pad|><|vision_end|>", "<image>").replace("assistant\n", "assistant:")
    processor = Idefics3Processor(images, words, image_seq_len=4, chat_template=chat)
    return _save(folder, Idefics3ForConditionalGeneration(config), processor)


def teach(folder: Path, pairs: list[tuple[torch.Tensor, str, str]], steps: int) -> None:
    """Overfit the saved model: (image (H, W, 3) uint8, prompt, answer) until the answer follows the prompt."""
    model, processor = AutoModelForImageTextToText.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    images, prompts, answers = zip(*pairs, strict=True)
    processor.tokenizer.padding_side = "right"
    texts = [f"{p}{a}</s>" for p, a in zip(prompts, answers, strict=True)]
    inputs = processor(images=[[image] for image in images], text=texts, padding=True, return_tensors="pt")
    labels = inputs["input_ids"].clone()
    for row, answer in zip(labels, answers, strict=True):
        length = len(processor.tokenizer(f"{answer}</s>").input_ids)
        end = int((row != 0).sum())
        row[: end - length] = -100
        row[end:] = -100
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        model(**inputs, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)


def _save(folder: Path, model: torch.nn.Module, processor: object) -> Path:
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
