"""Where votes are kept: JSON lines in a folder of this machine, and, when the owner asks for it, a copy in a dataset repository."""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rapsr_core.votes import Vote, append, counted, read

FOLDER, DATASET, TOKEN = "RAPSR_VOTES", "RAPSR_VOTES_DATASET", "HF_TOKEN"
EVERY_MIN = 5


def folder() -> Path:
    """RAPSR_VOTES, or ~/.cache/rapsr/votes."""
    return Path(os.environ.get(FOLDER) or Path.home() / ".cache/rapsr/votes")


def dataset() -> str | None:
    """The dataset repository that votes are copied to: RAPSR_VOTES_DATASET, with HF_TOKEN set as well; None = none."""
    return os.environ.get(DATASET) if os.environ.get(TOKEN) else None


class VoteStore:
    """The votes of this machine. With a `dataset` each process writes a file of its own name, so that a Space that starts anew replaces none."""

    def __init__(self, folder: Path, dataset: str | None = None) -> None:
        self.folder, self.dataset = folder, dataset
        self.file = folder / (f"votes-{uuid.uuid4().hex}.jsonl" if dataset else "votes.jsonl")
        self.problem = ""  # what keeps the copy from being made
        self._lock: AbstractContextManager[Any] = threading.Lock()
        self._connected = dataset is None

    def add(self, vote: Vote) -> None:
        """Write a vote. The first one starts the copying; what keeps it from starting is told in `problem`, and the vote is kept here. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._connected:
            self._connect()
        with self._lock:
            append(self.file, vote)

    def votes(self) -> list[Vote]:
        """The first answer to every ballot, of all files of the folder. Raises VoteError for a damaged file."""
        return counted([vote for path in sorted(self.folder.glob("votes*.jsonl")) for vote in read(path).votes])

    def _connect(self) -> None:
        """CommitScheduler copies in a thread of its own, under its lock. HF_HUB_OFFLINE=1, which the studio sets by default, keeps it from it."""
        from huggingface_hub import CommitScheduler

        self._connected = True
        try:
            scheduler = CommitScheduler(
                repo_id=str(self.dataset), repo_type="dataset", folder_path=self.folder, path_in_repo="votes", every=EVERY_MIN,
                allow_patterns=self.file.name, token=os.environ[TOKEN],
            )  # fmt: skip
        except Exception as error:  # of the network, the hub or its offline mode
            self.problem = (
                f"votes are not copied to {self.dataset}: {error}. Check {TOKEN}, {DATASET} and HF_HUB_OFFLINE=0, and start again"
            )
        else:
            self._lock = scheduler.lock
