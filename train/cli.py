"""What the command lines share of argparse."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def errors_told(parser: argparse.ArgumentParser, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """`errors` end the program with status 2 and their message, Ctrl-C with 130 (a shell's 128 + SIGINT); neither with a traceback."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        parser.exit(130, f"{str(interrupt) or 'stopped'}\n")
    except errors as error:
        parser.exit(2, f"error: {error}\n")


def part(text: str) -> slice:
    """ "K/N" as the slice of items K, K + N, ...: an argument's type. Raises argparse.ArgumentTypeError."""
    first, _, of = text.partition("/")
    if not (first.isdecimal() and of.isdecimal() and int(first) < int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; it must be K/N with 0 <= K < N, for example 0/2")
    return slice(int(first), None, int(of))
