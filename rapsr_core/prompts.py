"""From identifiers, caption and user text to the exact strings each branch encodes, and their tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transformers import CLIPTokenizer

from rapsr_core.hosts.prompting import Prompt, plain
from rapsr_core.recipe import Recipe


@dataclass(frozen=True)
class Encoded:
    """A text as the text encoder sees it. `count` includes the begin and end marks; `limit` is the encoder's length."""

    text: str
    token_ids: tuple[int, ...]
    count: int
    limit: int
    truncated: bool


def tokenize(tokenizer: CLIPTokenizer, text: str) -> Encoded:
    """Token ids of a text, begin and end marks included, cut to the encoder's length as encoding does."""
    whole = tokenizer(text, truncation=False, verbose=False).input_ids
    limit = tokenizer.model_max_length
    kept = tokenizer(text, truncation=True).input_ids
    return Encoded(text, tuple(kept), len(whole), limit, len(whole) > limit)


def tokenize_prescribed(tokenizer: CLIPTokenizer, text: str, identifiers: Mapping[str, Sequence[int]]) -> Encoded:
    """As `tokenize`, but an identifier that leads the text gets the ids given for it (`Refinement.token_ids`).

    Those are the ids of training, which a tokenizer of today need not give. Case does not count, as to the tokenizer, nor the
    last space where an identifier is all there is. The longest identifier wins; a text that none leads is tokenised plainly.
    """
    leading = [identifier for identifier in identifiers if (text.rstrip() + " ").lower().startswith(identifier.lower())]
    if not leading:
        return tokenize(tokenizer, text)
    identifier = max(leading, key=len)
    rest = tokenizer(text[len(identifier) :], add_special_tokens=False, truncation=False, verbose=False).input_ids
    inner, limit = [*identifiers[identifier], *rest], tokenizer.model_max_length
    kept = (tokenizer.bos_token_id, *inner[: limit - 2], tokenizer.eos_token_id)
    return Encoded(text, kept, len(inner) + 2, limit, len(inner) + 2 > limit)


def branch_prompts(recipe: Recipe, caption: str, prompt: Prompt = plain) -> dict[str, dict[str, str]]:
    """Texts by branch and side. `prompt`: the host's way to join words (`HostInfo.prompt`).

    The baseline's words are what the host adds to the caption. As RAP-SR does in SeeSR, the enhanced branch adds none: the identifier,
    verbatim, leads caption and user's words, and the negative text is the negative identifier without a caption.
    """
    base, rap = recipe.baseline, recipe.enhanced
    return {
        "baseline": {"positive": prompt(caption, "", base.positive), "negative": base.negative.strip()},
        "enhanced": {
            "positive": rap.positive_identifier + prompt(caption, rap.positive, ""),
            "negative": rap.negative_identifier + rap.negative.strip(),
        },
    }


def explain(
    tokenizer: CLIPTokenizer, prompts: Mapping[str, Mapping[str, str]], identifiers: Mapping[str, Mapping[str, Sequence[int]]]
) -> dict[str, dict[str, Any]]:
    """`branch_prompts` with tokens, as JSON values. `identifiers`: prescribed token ids by branch (`tokenize_prescribed`)."""
    return {
        branch: {side: asdict(tokenize_prescribed(tokenizer, text, identifiers.get(branch, {}))) for side, text in sides.items()}
        for branch, sides in prompts.items()
    }
