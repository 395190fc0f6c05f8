"""The hosts as a table: a new host is one file and one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rapsr_core.device import Device
from rapsr_core.hosts.embedded import EmbeddedHost
from rapsr_core.priors import Prior
from rapsr_core.recipe import RecipeError


@dataclass(frozen=True)
class HostInfo:
    """One row: facts that the page, the CLI and the documentation read."""

    name: str
    label: str
    prior: str
    licence: str
    build: Callable[[Prior, Device], EmbeddedHost]


HOSTS = {row.name: row for row in (HostInfo("embedded", "Embedded upscaler", "embedded", "Apache-2.0", EmbeddedHost),)}


def host_info(name: str) -> HostInfo:
    """Row by name. Raises RecipeError that lists the names."""
    if name not in HOSTS:
        raise RecipeError(f"host is {name!r}; it must be one of {', '.join(HOSTS)}")
    return HOSTS[name]
