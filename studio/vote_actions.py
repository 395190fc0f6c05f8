"""What happens in the Vote tab: pairs of results, a question without names, the answer, what people prefer so far."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rapsr_core.comparison import Comparer
from rapsr_core.events import Finished, Image, Stage
from rapsr_core.images import read
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe
from rapsr_core.sweep import figures
from rapsr_core.votes import ANSWERS, Answer, Ballot, Contender, Vote, VoteError, contenders, draw
from studio import actions, lab_view, viewer, vote_view
from studio.live_run import LiveRun
from studio.results import RunFolder
from studio.vote_store import VoteStore

KNOWN = actions.KNOWN
MOST_RESULTS = 6
"""Results of one photograph that new ones are paired with."""
MOST_PAIRS = 40
"""Pairs that wait for a vote; of more the oldest go."""
EXAMPLE_PX = 96


@dataclass(frozen=True)
class Result:
    """One picture that can be voted on. `picture`: which photograph, at which output size; never its name."""

    picture: str
    contender: Contender
    path: Path


@dataclass(frozen=True)
class Pool:
    """A visitor's results and the pairs of them that were not asked yet."""

    results: tuple[Result, ...] = ()
    pairs: tuple[tuple[Result, Result], ...] = ()


@dataclass(frozen=True)
class Question:
    """A pair that is shown. `since`: monotonic seconds."""

    ballot: Ballot
    since: float


def results_of(done: actions.Done) -> tuple[Result, ...]:
    """Baseline and enhanced of a comparison; its pictures are named "...baseline" and "...enhanced"."""
    found = []
    size = f"{done.pictures[0].width_px}x{done.pictures[0].height_px}"
    picture = f"{hashlib.sha256(Path(done.photo).read_bytes()).hexdigest()[:16]} {size}"
    for contender, branch in zip(contenders(done.report), ("baseline", "enhanced"), strict=True):
        path = next(p.path for p in done.pictures if p.name.endswith(branch))
        found.append(Result(picture, contender, path))
    return tuple(found)


def collected(pool: Pool, fresh: Sequence[Result]) -> Pool:
    """The pool with two new results: paired with each other, and each with earlier ones of the same photograph and size that differ from it in
    host or in refinement, but not in both, as ratings need it."""
    earlier = [old for old in pool.results if old.picture == fresh[0].picture]
    pairs = [(one, two) for one, two in ((fresh[0], fresh[1]),) if _differ(one, two) == 1]
    pairs += [(old, new) for new in fresh for old in earlier if _differ(old, new) == 1]
    return Pool((*earlier, *fresh)[-MOST_RESULTS:], (*pool.pairs, *pairs)[-MOST_PAIRS:])


def asked(pool: Pool) -> tuple[Pool, Question, dict[str, Any]]:
    """A pair from the pool at random, its sides too, and the value of the viewer. The files are new ones under names that tell nothing."""
    generator = np.random.default_rng()
    one, two = pool.pairs[int(generator.integers(len(pool.pairs)))]
    ballot = draw(one.picture, one.contender, two.contender, generator)
    sources = {id(one.contender): one.path, id(two.contender): two.path}
    folder, pictures = RunFolder("vote"), []
    for side in ("left", "right"):
        image = read(sources[id(getattr(ballot, side))])
        path = folder.picture(image, getattr(ballot, f"{side}_id"))
        alt = f"The {side} one of two results of the same photograph"
        pictures.append(viewer.Picture(side, side.capitalize(), alt, path, image.shape[-1], image.shape[-2]))
    left = Pool(pool.results, tuple(pair for pair in pool.pairs if pair != (one, two)))
    return left, Question(ballot, time.monotonic()), viewer.value(ballot.id, pictures, "left", "right")


def answered(store: VoteStore, question: Question, answer: str, voter: str) -> str:
    """Writes the vote; returns who was who, as HTML. Raises OSError, ValueError for no answer."""
    if answer not in ANSWERS:
        raise ValueError(f"the answer is {answer!r}; it must be one of {', '.join(ANSWERS)}")
    given: Answer = answer
    seconds = round(time.monotonic() - question.since, 2)
    store.add(Vote(question.ballot, given, voter, datetime.now(UTC).isoformat(timespec="seconds"), seconds))
    return vote_view.revealed(question.ballot, given)


def from_example(comparer: Comparer, photo: Path, recipe: Recipe) -> Any:
    """Compare the centre of an example: yields progress as HTML, then the two results. Closing the iterator cancels."""
    image = read(photo)
    top, left = ((side - min(side, EXAMPLE_PX)) // 2 for side in image.shape[-2:])
    image = image[..., top : top + EXAMPLE_PX, left : left + EXAMPLE_PX]
    live = LiveRun(RunFolder("example"), recipe)
    cut = live.folder.crop(image)
    events = comparer.compare(image, recipe, (*LIVE, figures.GRID))
    try:
        for event in events:
            if isinstance(event, Image):
                live.take(event)
            elif isinstance(event, Stage):
                left_s = event.seconds_left or 0.0
                yield lab_view.bar("Two results are being made", event.seconds / (event.seconds + left_s) if left_s else 0.9)
            elif isinstance(event, Finished):
                yield results_of(actions.Done(str(cut), event, tuple(live.pictures.values())))
    finally:
        events.close()


def standing(store: VoteStore) -> str:
    """Ratings and agreement of all votes of this machine, or which line cannot be read, as HTML."""
    try:
        votes = store.votes()
    except VoteError as error:
        return vote_view.damaged(str(error))
    return vote_view.standing(votes, store.dataset, store.problem)


def plain(recipe: Recipe) -> Recipe:
    """`recipe` for an example: its own caption is another photograph's."""
    return replace(recipe, caption=None, output_scale=4.0, target_px=None)


def _differ(one: Result, two: Result) -> int:
    """In how many of host and refinement."""
    return (one.contender.host != two.contender.host) + (one.contender.refinement != two.contender.refinement)
