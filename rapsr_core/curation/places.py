"""Paths and URIs alike: listing, opening, the members of a tar. Local paths by the standard library, URIs by pyarrow.fs or fsspec."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any


class PoolError(ValueError):
    """A pool that cannot be listed; the message says what is wrong with it."""


def is_uri(place: str) -> bool:
    """Whether `place` has a scheme, as in s3://bucket/key."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", place) is not None


def utf8(text: str) -> str:
    """Text as UTF-8 can hold it: what it cannot (bytes of a file name, PEP 383; lone surrogates) becomes \\uNNNN."""
    return text.encode("utf-8", "backslashreplace").decode()


def base(place: str) -> str:
    """The last part of a path or URI."""
    return place.rstrip("/").rsplit("/", 1)[-1]


def join(place: str, relative: str) -> str:
    """`relative` beside `place`."""
    return place.rsplit("/", 1)[0] + "/" + relative if "/" in place else relative


def is_folder(place: str) -> bool:
    """Whether there is a folder (for an object store: anything under that prefix)."""
    if not is_uri(place):
        return os.path.isdir(place)
    from pyarrow.fs import FileType

    system, path = _system(place)
    return bool(system.get_file_info(path).type == FileType.Directory)


def files_under(folder: str) -> Iterator[tuple[str, str]]:
    """(place, path relative to `folder` with /) of every file that is not hidden and in no hidden folder."""
    if not is_uri(folder):
        for home, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not name.startswith("."):
                    path = os.path.join(home, name)
                    yield path, Path(os.path.relpath(path, folder)).as_posix()
        return
    from pyarrow.fs import FileSelector, FileType

    system, path = _system(folder)
    for info in system.get_file_info(FileSelector(path, recursive=True)):
        relative = info.path.removeprefix(path).lstrip("/")
        if info.type == FileType.File and not any(part.startswith(".") for part in relative.split("/")):
            yield f"{folder.rstrip('/')}/{relative}", relative


def size_of(place: str) -> int:
    """Bytes of a file. Raises FileNotFoundError."""
    if not is_uri(place):
        return os.stat(place).st_size
    system, path = _system(place)
    size = system.get_file_info(path).size
    if size is None:
        raise FileNotFoundError(f"no file at {place!r}")
    return int(size)


def opened(place: str) -> AbstractContextManager[Any]:
    """A seekable binary file. Raises FileNotFoundError and other OSErrors."""
    if not is_uri(place):
        return open(place, "rb")
    system, path = _system(place)
    return system.open_input_file(path)


def members(place: str) -> Iterator[tuple[str, int, int]]:
    """(name, first byte, bytes) of each regular member of an uncompressed tar, so that it can be read without the others.

    Raises PoolError for a compressed or damaged one.
    """
    with opened(place) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in tar:
                    if member.isreg() and not member.issparse():
                        yield member.name, member.offset_data, member.size
        except tarfile.TarError as error:
            raise PoolError(f"{place!r} is no uncompressed tar ({error}); webdataset shards are plain .tar files") from error


def _system(uri: str) -> tuple[Any, str]:
    """File system and path in it: pyarrow's own (file, s3, gs, hdfs, ...), else fsspec's."""
    import pyarrow as pa
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    try:
        return FileSystem.from_uri(uri)
    except pa.ArrowInvalid as error:
        if "nrecognized filesystem" not in str(error):
            raise PoolError(f"{uri!r} cannot be opened: {error}") from error
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(uri)
    except (ValueError, ImportError) as error:
        raise PoolError(f"{uri!r} cannot be opened: {error}") from error
    return PyFileSystem(FSSpecHandler(system)), path
