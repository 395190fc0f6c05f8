"""Refinement folders: take over other people's weights, give one away in another form, show what one is.

Examples:
  python -m train.refinement show assets/refinement
  python -m train.refinement import checkpoint-4000/unet --prior sd21-base --out runs/rap-sr --as delta
  python -m train.refinement export runs/rap-sr --prior sd21-base --to ldm --out rap-sr.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rapsr_core.priors import load_prior
from rapsr_core.refinement.artifact import FACTS, WEIGHTS, RefinementError, load_refinement, read_facts, refinement_folder
from rapsr_core.refinement.exporting import export_delta, export_ldm
from rapsr_core.refinement.identifiers import FORMS, SPLIT
from rapsr_core.refinement.importing import OFFICIAL_IDENTIFIERS, import_unet
from train.cli import errors_told


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.refinement", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    taken = commands.add_parser("import", help="a diffusers UNet folder (official RAP-SR: checkpoint-N/unet) as a refinement")
    taken.add_argument("source", type=Path, metavar="UNET", help="folder with config.json and the weights, or with unet/ in it")
    taken.add_argument("--as", dest="format_name", choices=("full", "delta"), default="full", help="[full]")
    taken.add_argument(
        "--identifier-tokens", choices=FORMS, default=SPLIT, help="how training cut '].'; the official weights probably [split]"
    )
    taken.add_argument("--positive-identifier", default=OFFICIAL_IDENTIFIERS[0])
    taken.add_argument("--negative-identifier", default=OFFICIAL_IDENTIFIERS[1])
    taken.add_argument("--license", default="openrail++", help="of the weights, for the model card [openrail++, SD 2.1's]")
    taken.set_defaults(run=run_import)
    given = commands.add_parser("export", help="a refinement as a whole UNet with LDM keys, or as a delta")
    given.add_argument("refinement", help="'embedded' or a folder")
    given.add_argument("--to", choices=("ldm", "delta"), required=True)
    given.add_argument("--strength", type=float, default=1.0, help="how much of it, 1 = as trained [1]")
    given.set_defaults(run=run_export)
    for command in (taken, given):
        command.add_argument("--prior", default="embedded", help="catalogue name or folder [embedded]")
        command.add_argument("--out", type=Path, required=True, help="new folder; for --to ldm a .safetensors file")
    shown = commands.add_parser("show", help="identifiers, token ids, prior, format and size")
    shown.add_argument("refinement", help="'embedded' or a folder")
    shown.set_defaults(run=run_show)
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, (ValueError, OSError)):
        args.run(args)


def run_import(args: argparse.Namespace) -> None:
    check_new_folder(args.out)
    import_unet(
        args.source,
        load_prior(args.prior),
        args.out,
        {"license": args.license},
        format_name=args.format_name,
        identifier_tokens=args.identifier_tokens,
        identifiers=(args.positive_identifier, args.negative_identifier),
    )
    print(f"wrote {args.out}")


def run_export(args: argparse.Namespace) -> None:
    prior = load_prior(args.prior)
    refinement = load_refinement(args.refinement, prior)
    if args.to == "ldm":
        if args.out.suffix != ".safetensors":
            raise RefinementError(f"--out is {args.out}; an LDM file must end in .safetensors")
        export_ldm(refinement, prior, args.strength, args.out)
    else:
        check_new_folder(args.out)
        export_delta(refinement, prior, args.strength, args.out)
    print(f"wrote {args.out}")


def check_new_folder(folder: Path) -> None:
    """Raises RefinementError where a refinement would be overwritten, perhaps the very one that is being read."""
    if (folder / FACTS).exists():
        raise RefinementError(f"--out {folder} holds a refinement already; name another folder or remove it")


def run_show(args: argparse.Namespace) -> None:
    facts = read_facts(args.refinement)
    texts = facts["identifiers"]
    size = (refinement_folder(args.refinement) / WEIGHTS[facts["format"]]).stat().st_size
    meanings = {texts["positive"]: "positive", texts["negative"]: "negative", **texts.get("others", {})}
    for text, meaning in meanings.items():
        print(f"identifier   {text!r} ({meaning}), token ids {facts['token_ids'][text]}")
    print(f"prior        {facts['prior']}, fingerprint {facts['prior_fingerprint']}")
    print(f"format       {facts['format']}, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
