"""A file of JSON objects, one a line, that only grows.

Several processes may write to one at once: each call is one write of an O_APPEND descriptor, which the kernel places whole at the end
(POSIX.1-2017, write(); local file systems), under a lock (flock) for the file systems that do not. A line cut off by a crash is left
out when reading, and said.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Lines:
    """What a file holds: (line number, value) in the order of writing; `torn`: numbers of the lines left out because they were cut off."""

    found: tuple[tuple[int, Any], ...]
    torn: tuple[int, ...]


def append(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add lines, all of them in one write, and wait until they are on the disk. Creates the file.

    Raises OSError, ENOSPC too when the disk took only a part.
    """
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        data = (b"\n" if _ends_torn(descriptor) else b"") + text.encode()
        written = os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if written != len(data):
        raise OSError(errno.ENOSPC, f"took {written} of {len(data)} bytes: make room and do it again", str(path))


def read(path: Path) -> Lines:
    """The file's lines; none when there is no file yet."""
    if not path.is_file():
        return Lines((), ())
    found, torn = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((number, json.loads(line)))
        except ValueError:  # no JSON, or UTF-8 cut in a character
            torn.append(number)
    return Lines(tuple(found), tuple(torn))


def _ends_torn(descriptor: int) -> bool:
    if os.fstat(descriptor).st_size == 0:
        return False
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) != b"\n"
