"""The studio's real page in a process of its own that cannot reach the network, and the real Chromium.

Its priors are tiny ones of the real classes with random weights, the embedded one and a x4 upscaler, so that a second host can run and
a comparison takes seconds. `app`: `python app.py`, with what is shipped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from studio_page import ARTEFACTS
from studio_process import ROOT, TINY, Studio, studio
from tiny_priors import save_tiny
from tiny_scored import scored
from viewer_page import DESKTOP, PHONE, opened
from viewer_site import Site, serve

PHOTO_PX = 96
CHROMIUM_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class Server:
    """The running studio."""

    url: str
    cache: Path  # Gradio's folder of uploads and results
    log: Path  # what it printed
    attempts: Path  # the network it asked for; absent when it asked for none
    votes: Path  # folder of the votes
    curations: Path  # what it takes for scored pools and their datasets; tests put some there before they open the page
    trainings: Path  # folder of the refinement runs


@pytest.fixture(scope="session")
def server(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("studio")
    save_tiny("x4-upscaler", folder / "weights/priors/x4-upscaler")
    with studio(folder, command=(TINY, str(assets))) as found:
        yield _served(found, folder)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("app")
    with studio(folder) as found:
        yield _served(found, folder)


def _served(found: Studio, folder: Path) -> Server:
    return Server(found.url, found.cache, found.log, found.attempts, folder / "votes", folder / "curations", folder / "trainings")


@pytest.fixture(scope="session")
def curation(server: Server) -> Path:
    """A real scored pool of seven photographs, "tiny", which a page opened from now on finds; its photographs are the pool of that name."""
    pool = server.curations.parent / "pools" / "tiny"
    return scored(pool, server.curations / "tiny")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.fail("Chromium is not installed: apt-get install chromium (Debian), or put `chromium` on the PATH")
    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """The studio's page at desktop size. Asking any other host for anything fails the test."""
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    foreign: list[str] = []
    opened.on("request", lambda request: None if _local(request.url, server) else foreign.append(request.url))
    opened.goto(server.url)
    opened.wait_for_selector("#run", timeout=30_000)
    yield opened
    opened.close()
    assert foreign == []


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photograph, PHOTO_PX a side: the centre of the first bundled example."""
    source = sorted(path for path in (ROOT / "assets" / "examples").iterdir() if path.suffix in (".png", ".jpg", ".webp"))[0]
    path = tmp_path_factory.mktemp("photo") / "my photo (1).png"
    with Image.open(source) as opened:
        left, top = ((side - PHOTO_PX) // 2 for side in opened.size)
        opened.convert("RGB").crop((left, top, left + PHOTO_PX, top + PHOTO_PX)).save(path)
    return path


@pytest.fixture(scope="session")
def small(photo: Path) -> Path:
    """Its centre, 48 px a side: for many comparisons."""
    path = photo.with_name("small.png")
    with Image.open(photo) as opened:
        opened.crop((24, 24, 72, 72)).save(path)
    return path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve(tmp_path_factory.mktemp("pictures")) as found:
        yield found


@pytest.fixture(scope="session")
def desktop(browser: Browser) -> Iterator[BrowserContext]:
    """One context for all tests: Gradio's scripts are read once."""
    context = browser.new_context(viewport=DESKTOP)
    yield context
    context.close()


@pytest.fixture
def view(site: Site, desktop: BrowserContext) -> Iterator[Page]:
    """The component's page at desktop size. An error of a script, or asking another host, fails the test."""
    yield from opened(site, desktop)


@pytest.fixture
def phone(site: Site, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    yield from opened(site, context)
    context.close()


def _local(url: str, server: Server) -> bool:
    return url.startswith((server.url, "data:", "blob:"))
