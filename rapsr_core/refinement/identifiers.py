"""The forms in which tokenizers have cut an identifier; a refinement stores the token ids it was trained with.

Old slow CLIP tokenizers without ftfy (transformers up to 4.28, and RAP-SR pins 4.25) made every punctuation mark a token of
its own; all newer ones merge runs of them. So `[X]. ` is 314 343 316 269 to the former and 314 343 26262 to the latter, and
the released RAP-SR weights were probably trained on the former.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from transformers import CLIPTokenizer

MERGED, SPLIT = "merged", "split"

_SPELT: Mapping[str, Callable[[str], str]] = {
    MERGED: lambda text: text,
    SPLIT: lambda text: re.sub(r"([^\w\s]|_)", r" \1 ", text),
}
"""Form -> the text whose tokens, cut by a new tokenizer, are those of the form."""

FORMS = tuple(_SPELT)


def identifier_ids(tokenizer: CLIPTokenizer, text: str, form: str = MERGED) -> tuple[int, ...]:
    """Token ids of an identifier in one of FORMS, without the begin and end marks."""
    return tuple(tokenizer(_SPELT[form](text), add_special_tokens=False).input_ids)
