"""Captioners: the table, the embedded tagger's form, and Florence-2 on a tiny random instance of the real classes."""

from pathlib import Path

import pytest
import tiny_vlms
import torch
from transformers import (
    BartConfig,
    CLIPImageProcessor,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    Florence2VisionConfig,
)

from rapsr_core.captions import CAPTIONERS, CaptionError, caption, caption_many, find, florence
from rapsr_core.device import Device
from rapsr_core.images import to_uint8

CPU = Device(torch.device("cpu"), torch.float32, "test")
SAYS = {0.95: "a white wall in the sun", 0.05: "a dark night"}
PX = 64
IMAGE_TOKENS = 5  # 64 px / 32 = 2 x 2 places, and their mean


def save_florence(folder: Path) -> Path:
    torch.manual_seed(0)
    words = tiny_vlms.tokenizer(whole_words=True, extra_special_tokens={"image_token": "<image>"})
    text = BartConfig(
        vocab_size=len(words), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=512,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2,
    )  # fmt: skip
    vision = Florence2VisionConfig(
        depths=(1, 1, 1, 1),
        embed_dim=(8, 16, 16, 32),
        num_heads=(1, 2, 2, 2),
        num_groups=(1, 2, 2, 2),
        window_size=4,
        projection_dim=32,
    )
    model = Florence2ForConditionalGeneration(
        Florence2Config(text_config=text, vision_config=vision, image_token_id=words.image_token_id)
    )
    images = CLIPImageProcessor(size={"height": PX, "width": PX}, do_center_crop=False)
    images.image_seq_length = IMAGE_TOKENS
    processor = Florence2Processor(images, words)
    teach(model, processor)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def teach(model: torch.nn.Module, processor: Florence2Processor) -> None:
    """Until it says SAYS of a bright and of a dark picture."""
    pictures = [to_uint8(torch.full((1, 3, PX, PX), value)) for value in SAYS]
    inputs = processor(images=pictures, text=[florence.TASK] * 2, return_tensors="pt")
    labels = processor.tokenizer([f"{text}</s>" for text in SAYS.values()], padding=True, return_tensors="pt").input_ids
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(80):
        optimizer.zero_grad()
        model(**inputs, labels=labels.masked_fill(labels == 0, -100)).loss.backward()
        optimizer.step()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_florence(tmp_path_factory.mktemp("Florence-2-tiny"))


def test_a_batch_of_any_sizes_is_captioned_in_order_as_the_model_was_taught(folder):
    images = [torch.full((1, 3, *size), value) for size in ((40, 70), (64, 64)) for value in SAYS]
    assert florence.load(str(folder), CPU)(images) == list(SAYS.values()) * 2


def test_more_images_than_a_batch_are_all_captioned(folder, monkeypatch):
    monkeypatch.setattr(florence, "BATCH", 2)
    images = [torch.full((1, 3, 32, 32), value) for value in (0.95, 0.05, 0.05, 0.95, 0.95)]
    assert florence.load(str(folder), CPU)(images) == [SAYS[round(float(image.mean()), 2)] for image in images]


def test_a_folder_is_a_captioner_by_its_id(folder):
    captioner = f"florence-2:{folder}"
    assert caption(torch.full((1, 3, 48, 48), 0.95), captioner) == SAYS[0.95]
    assert find(captioner).key == folder.name


def test_the_key_of_the_published_captioner_is_that_of_hfaid():
    assert CAPTIONERS["florence-2-large-ft"].key == "microsoft-Florence-2-large-ft"  # RAP-SR, RPEF/dataloaders/dataset.py


def test_captions_of_the_tagger_begin_as_photos():
    pytest.importorskip("efficientnet_lite_pytorch")
    texts = caption_many([torch.rand(1, 3, 30, 40), torch.rand(1, 3, 300, 64)])
    assert all(text == "a photo" or text.startswith("a photo of a") for text in texts) and len(texts) == 2


def test_a_folder_without_florence_says_how_to_get_one(tmp_path):
    with pytest.raises(CaptionError, match="hf download florence-community/Florence-2-large-ft"):
        caption(torch.rand(1, 3, 32, 32), f"florence-2:{tmp_path}")


@pytest.mark.parametrize("captioner", ["blip", "florence-2:", "embedded:x"])
def test_an_unknown_captioner_is_refused_with_those_known(captioner):
    with pytest.raises(CaptionError, match=r"unknown captioner .*; known: embedded, florence-2-large-ft"):
        caption(torch.rand(1, 3, 32, 32), captioner)
