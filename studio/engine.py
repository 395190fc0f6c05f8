"""What needs torch, imported and built in a thread of its own while the page is served already."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING

from rapsr_core.lasting import lasting
from studio import zero_gpu

if TYPE_CHECKING:
    from rapsr_core.comparison import Comparer
    from studio.vote_store import VoteStore


@dataclass(frozen=True)
class Parts:
    """The comparer, and the studio's modules that work with pictures."""

    comparer: Comparer
    actions: ModuleType
    checks: ModuleType
    calls: ModuleType
    short_calls: ModuleType
    call_checks: ModuleType
    recipe_files: ModuleType
    batch: ModuleType
    degrade: ModuleType
    curate: ModuleType
    curate_view: ModuleType
    lab: ModuleType
    lab_checks: ModuleType
    vote: ModuleType
    votes: VoteStore


class Engine:
    """`parts` waits until everything is there, and raises what kept it from coming. `start` it once the page is served: imports slow each other."""

    def __init__(self, assets: Path) -> None:
        self._made: Future[Parts] = Future()
        self._thread = Thread(target=self._make, args=(assets,), daemon=True)

    def start(self) -> None:
        """Begin, unless it has begun."""
        with suppress(RuntimeError):  # a thread starts once
            self._thread.start()

    @classmethod
    def of(cls, comparer: Comparer) -> Engine:
        """An engine that is there at once, over a comparer that is."""
        engine = cls.__new__(cls)
        engine._made = Future()
        engine._made.set_result(_parts(comparer))
        return engine

    @property
    def parts(self) -> Parts:
        if not self.ready:
            self.start()
        return self._made.result()

    @property
    def ready(self) -> bool:
        """Whether `parts` answers at once."""
        return self._made.done()

    def _make(self, assets: Path) -> None:
        try:
            with lasting():
                parts = _parts(zero_gpu.comparer(assets))
            self._made.set_result(parts)
        except BaseException as error:  # told to whoever asks for the parts
            self._made.set_exception(error)


def _parts(comparer: Comparer) -> Parts:
    from studio import (
        actions,
        batch,
        call_checks,
        calls,
        checks,
        curate_actions,
        curate_view,
        degrade_actions,
        lab_actions,
        lab_checks,
        recipe_files,
        short_calls,
        vote_actions,
        vote_store,
    )

    votes = vote_store.VoteStore(vote_store.folder(), vote_store.dataset())
    return Parts(
        comparer,
        actions,
        checks,
        calls,
        short_calls,
        call_checks,
        recipe_files,
        batch,
        degrade_actions,
        curate_actions,
        curate_view,
        lab_actions,
        lab_checks,
        vote_actions,
        votes,
    )
