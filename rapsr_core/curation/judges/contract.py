"""What every judge does: a row for each of several pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rapsr_core.curation.columns import Column, Row
from rapsr_core.curation.picture import Picture

JUDGE = Column("judge", "Judge", "text", "neither", "", "The id of the judge that wrote this row's scores.", "")
REFUSAL = Column(
    "judge_refusal", "No judgement because", "text", "neither", "", "Why the judge gave no score; empty when it gave one.", ""
)


class JudgeError(RuntimeError):
    """A judge's package, weights or settings are missing or do not fit; the message says how to get them."""


class Judge(ABC):
    """`batch_size`: how many pictures `many` takes best at once. Calling it with one picture is a batch of one."""

    batch_size = 1

    def __call__(self, picture: Picture) -> Row:
        """Every column of the judge for one picture. Raises ImageError for data that is no usable image."""
        return self.many([picture])[0]

    @abstractmethod
    def many(self, pictures: Sequence[Picture]) -> list[Row]:
        """A row for each picture, in order. Raises ImageError when one is no usable image: decode (`picture.image`) before."""
