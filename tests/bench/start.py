"""How long after `python app.py` a visitor can use the page, and when the method is there; in headless Chromium, on an idle machine.

    python tests/bench/start.py [--repeats 3]

Interactive: the page answers, an example pressed stands in the photograph's box. Loaded: the header says what it computes on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


def once(browser: Browser) -> dict[str, float]:
    """Seconds from the start of the process to each state."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": folder}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            found["served"] = time.monotonic() - began
            page = browser.new_page()
            page.goto(url)
            page.locator("#examples button").first.click(timeout=60_000)
            page.locator("#photo img").first.wait_for(timeout=60_000)
            found["interactive"] = time.monotonic() - began
            page.locator("#header .device", has_text="thread").wait_for(timeout=120_000)
            found["loaded"] = time.monotonic() - began
            page.close()
        finally:
            process.terminate()
            process.wait(timeout=30)
    return found


def _wait(url: str) -> None:
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="[3]")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        rows = [once(browser) for _ in range(args.repeats)]
        browser.close()
    for state in rows[0]:
        times = [row[state] for row in rows]
        print(f"{state}: {statistics.median(times):.1f} s (median), {', '.join(f'{t:.1f}' for t in times)}")


if __name__ == "__main__":
    main()
