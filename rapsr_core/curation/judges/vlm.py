"""Any vision-language model of `transformers` as a judge: the probabilities of five level words, or JSON that is checked.

Score = sum of p_i w_i over LEVELS, p a softmax over the five words' logits alone at the place where the word is due (Q-Align, Wu et al.,
ICML 2024, equations 2 and 3). Scores of different models are not comparable; ranks are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rapsr_core.curation.columns import Row
from rapsr_core.curation.judges.answers import ASPECTS, JSON_QUESTION, LEVELS, WEIGHTS, beginning, parse, question
from rapsr_core.curation.judges.contract import Judge, JudgeError
from rapsr_core.curation.picture import Picture
from rapsr_core.device import Device, choose_device
from rapsr_core.images import to_uint8

LONG_PX = 1024
"""Larger pictures are reduced to this long side: models with native resolution spend a token on every 28 x 28 pixels or so."""
ANSWER_TOKENS = 64
"""Room for the JSON and a sentence around it."""
BATCH = 8
"""Pictures at once; a 7-billion model in 16 bit and eight pictures fit 24 GB (an estimate)."""


class Vlm(Judge):
    """Columns quality and aesthetics, each in [1, 5] or None with `judge_refusal`.

    `level_ids`: the token of each level word; None when the words are not five different single tokens, and JSON is asked for.
    """

    batch_size = BATCH

    def __init__(self, judge_id: str, model_id: str, device: Device | None = None) -> None:
        self.judge_id = judge_id
        self.device = device or choose_device()
        self.model, self.processor = _load(model_id, self.device)
        words = self.processor.tokenizer
        words.padding_side = "left"  # the next token of every row stands at the end
        words.pad_token = words.pad_token or words.eos_token  # masked, so any token would do
        self.level_ids = level_ids(words)

    def many(self, pictures: Sequence[Picture]) -> list[Row]:
        images = [_pil(picture) for picture in pictures]
        scores = self._by_levels(images) if self.level_ids else self._by_json(images)
        return [{**row, "judge": self.judge_id} for row in scores]

    def _by_levels(self, images: list[Image.Image]) -> list[Row]:
        columns = {aspect: self._scores(images, aspect) for aspect in ASPECTS}
        return [{"judge_refusal": None, **{a: columns[a][i] for a in ASPECTS}} for i in range(len(images))]

    def _scores(self, images: list[Image.Image], aspect: str) -> list[float]:
        prompt = self._prompt(question(aspect), beginning(aspect))
        logits = self._generate(images, prompt, 1, output_logits=True).logits[0]
        return level_scores(logits[:, self.level_ids]).tolist()

    def _by_json(self, images: list[Image.Image]) -> list[Row]:
        tokens = self._generate(images, self._prompt(JSON_QUESTION), ANSWER_TOKENS).sequences
        texts = self.processor.batch_decode(tokens, skip_special_tokens=True)
        answers = [parse(text) for text in texts]
        return [{"judge_refusal": x.refusal, **(x.scores or dict.fromkeys(ASPECTS))} for x in answers]

    def _prompt(self, text: str, start: str = "") -> str:
        """The text of one user turn with an image, and how the answer begins: by the chat template, else as Q-Align writes it."""
        if self.processor.chat_template is None:
            return f"USER: {text}\n{self.processor.image_token}\nASSISTANT: {start}".rstrip()
        turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
        prompt = self.processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        space = "" if not start or prompt[-1:].isspace() else " "
        return prompt + space + start

    def _generate(self, images: list[Image.Image], prompt: str, tokens: int, **options: Any) -> Any:
        """`generate`, which unlike a forward pass gives padded rows their right positions; sequences without the prompt."""
        bos = self.processor.tokenizer.bos_token
        inputs = self.processor(
            images=[[image] for image in images],
            text=[prompt] * len(images),
            padding=True,
            add_special_tokens=not (bos and prompt.startswith(bos)),
            return_tensors="pt",
        ).to(self.device.device, dtype=self.device.dtype)
        with torch.inference_mode():
            out = self.model.generate(**inputs, max_new_tokens=tokens, do_sample=False, return_dict_in_generate=True, **options)
        out.sequences = out.sequences[:, inputs["input_ids"].shape[1] :]
        return out


def level_scores(logits: Tensor) -> Tensor:
    """(B, 5) logits of LEVELS -> (B,) float32 scores in [1, 5]: softmax over the five, weighted by WEIGHTS."""
    return logits.float().softmax(-1) @ torch.tensor(WEIGHTS, device=logits.device)


def level_ids(tokenizer: Any) -> list[int] | None:
    """Token id of each of LEVELS as it follows `beginning`; None unless each is one token and no two are equal."""
    start = beginning(ASPECTS[0])
    before = tokenizer(start, add_special_tokens=False).input_ids
    after = [tokenizer(f"{start} {level}", add_special_tokens=False).input_ids for level in LEVELS]
    if any(ids[:-1] != before for ids in after):
        return None
    found = [ids[-1] for ids in after]
    return found if len(set(found)) == len(LEVELS) and tokenizer.unk_token_id not in found else None


def _pil(picture: Picture) -> Image.Image:
    """RGB, long side at most LONG_PX."""
    image = Image.fromarray(to_uint8(picture.image))
    image.thumbnail((LONG_PX, LONG_PX), Image.Resampling.BICUBIC)
    return image


def _load(model_id: str, device: Device) -> tuple[Any, Any]:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(model_id)
        model = AutoModelForImageTextToText.from_pretrained(model_id, dtype=device.dtype)
    except (OSError, ValueError, ImportError) as error:  # not there; not a model of this kind; a package its processor needs
        raise JudgeError(
            f"judge vlm: {model_id!r} cannot be loaded as an image-text-to-text model: {str(error).splitlines()[0]} "
            f"To fetch one: hf download {model_id}; or give a folder"
        ) from error
    if model.config.is_encoder_decoder:
        raise JudgeError(
            f"judge vlm: {model_id!r} is an encoder and a decoder; a model whose answer continues the prompt is needed"
        )
    if processor.chat_template is None and getattr(processor, "image_token", None) is None:
        raise JudgeError(f"judge vlm: {model_id!r} has neither a chat template nor an image token; its prompt is unknown")
    return model.eval().requires_grad_(False).to(device.device), processor
