"""The exact text each branch encodes, with token ids and the count against the encoder's limit. All text is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from rapsr_core.recipe import Recipe

LABELS = {"baseline": "Baseline", "enhanced": "RAP-SR enhanced"}
NO_TEXT = '<span class="none">no text: only start and end tokens</span>'
SIGNS = (("positive", "Positive"), ("negative", "Negative"))


def render(prompts: Mapping[str, Mapping[str, Any]], identifiers: Mapping[str, str]) -> str:
    """Two cards, one a branch.

    Args:
        prompts: "baseline" and "enhanced" -> "positive" and "negative" -> {text, token_ids, count, limit, truncated},
            as in `events.Prepared`.
        identifiers: "positive" and "negative" -> the enhanced branch's identifier, marked in the text it leads.
    """
    cards = []
    for branch, label in LABELS.items():
        marks = identifiers if branch == "enhanced" else {}
        texts = "".join(_text(title, prompts[branch][sign], marks.get(sign, "")) for sign, title in SIGNS)
        cards.append(f'<section class="card"><h4><i data-branch="{branch}"></i>{label}</h4>{texts}</section>')
    return f'<div class="prompts">{"".join(cards)}</div>'


def identifiers(recipe: Recipe) -> dict[str, str]:
    """The identifiers of a recipe, as `render` takes them."""
    return {"positive": recipe.enhanced.positive_identifier, "negative": recipe.enhanced.negative_identifier}


def _text(title: str, encoded: Mapping[str, Any], identifier: str) -> str:
    count, limit = encoded["count"], encoded["limit"]
    ids = " ".join(str(number) for number in encoded["token_ids"])
    text = _marked(encoded["text"], identifier) if encoded["text"] else NO_TEXT
    warning = ""
    if encoded["truncated"]:
        warning = f'<p class="truncated" role="alert">Too long: only the first {limit} of {count} tokens are encoded.</p>'
    return (
        f'<div class="encoded"><div class="line"><b>{title}</b><span class="count">{count} of {limit} tokens</span></div>'
        f'<code class="text">{text}</code>{warning}'
        f'<code class="ids" aria-label="Token ids">{ids}</code></div>'
    )


def _marked(text: str, identifier: str) -> str:
    lead = identifier.strip()
    if lead and text.startswith(lead):
        return f'<mark title="identifier">{escape(lead)}</mark>{escape(text[len(lead) :])}'
    return escape(text)
