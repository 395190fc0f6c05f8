"""Which hosts can run on this machine; what each of the others lacks, and the command that gets it.

Ends with status 0 when the default host can run, or the one named by --host; with 1 when files are missing. Too little free memory is told
and does not count: it is an estimate.

Examples:
  python -m train.doctor
  python -m train.doctor --host osediff
  python -m train.doctor --json
"""

from __future__ import annotations

import argparse
import dataclasses
import json

from rapsr_core.doctor import Diagnosis, HostReport, Need, Package, diagnose
from rapsr_core.recipe import RecipeError
from train.cli import errors_told


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", metavar="NAME", help="look at this host alone [all; the default one decides the status]")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, (RecipeError,)):
        found = diagnose([args.host] if args.host else [])
    print(json.dumps(dataclasses.asdict(found), indent=1, ensure_ascii=False) if args.json else "\n".join(lines(found)))
    decides = args.host or found.default_host
    parser.exit(0 if next(host.runs for host in found.hosts if host.name == decides) else 1)


def lines(found: Diagnosis) -> list[str]:
    """The report for people."""
    cuda = "no CUDA device" if found.cuda_gb is None else f"{found.cuda_gb:g} GB of the GPU"
    network = "asked for priors" if found.network else "not asked (HF_HUB_OFFLINE is set)"
    head = [
        f"device   {found.device}",
        f"memory   {found.ram_gb:g} GB of RAM free, {cuda}",
        f"weights  {found.weights_folder}, then the hub's cache; the hub itself is {network}",
        "",
    ]
    table = [("host", "runs", "prior", "own weights", "memory"), *(_row(host) for host in found.hosts)]
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    details = [line for host in found.hosts for line in _details(host)]
    return [*head, *rows, *details, "", "optional packages", *(_package(package) for package in found.packages)]


def _row(host: HostReport) -> tuple[str, ...]:
    count = f"{sum(need.found for need in host.weights)} of {len(host.weights)}" if host.weights else "none needed"
    memory = f"{host.needs_gb:g} GB{'' if host.fits else ', more than is free'}"
    prior = host.prior.name.partition(" ")[0]
    return host.name, "yes" if host.runs else "no", f"{prior}{'' if host.prior.found else ' (missing)'}", count, memory


def _details(host: HostReport) -> list[str]:
    head = ["", f"{host.name}: {host.label}. Code {host.code_licence}; weights {host.weights_licence}"]
    return [*head, *(_need(need) for need in (host.prior, *host.weights)), f"  tested   {host.tested}"]


def _need(need: Need) -> str:
    size = f"{need.size_gb:g} GB" if need.size_gb else "small"
    said = f"{need.name}, {size}, {need.licence}"
    mirrors = f" (mirrors: {', '.join(need.mirrors)})" if need.mirrors else ""
    return f"  found    {said}: {need.where}" if need.found else f"  missing  {said}: {need.command}{mirrors}"


def _package(package: Package) -> str:
    state = package.version or f"not installed: {package.command}"
    return f"  {package.name}: {state} ({package.use})"


if __name__ == "__main__":
    main()
