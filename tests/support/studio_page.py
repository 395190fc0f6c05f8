"""A visitor's hands on the real page: what the browser tests of the studio share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from viewer_page import severe

ARTEFACTS = Path(__file__).parents[1] / "browser" / "artefacts"
WAIT_MS = 180_000
PHONE = {"width": 390, "height": 844}
__all__ = ["ARTEFACTS", "PHONE", "WAIT_MS", "severe"]


def open_tab(page: Page, name: str) -> None:
    """The tab, wherever it is: on a phone the last ones are in a menu."""
    tab, menu = (
        page.locator("#tabs > .tab-wrapper").get_by_role("tab", name=name, exact=True),
        page.locator("#tabs .overflow-menu > button"),
    )
    expect(tab.or_(menu).filter(visible=True).first).to_be_visible(timeout=WAIT_MS)
    page.wait_for_timeout(300)  # which tabs have room is measured after the page, or its width, has changed
    if not tab.is_visible():
        menu.click()
        tab = page.locator("#tabs .overflow-dropdown").get_by_text(name, exact=True)
    tab.click()


def tabs(page: Page) -> list[str]:
    """Names of all tabs there are, at desktop width."""
    return page.locator("#tabs > .tab-wrapper").get_by_role("tab").all_inner_texts()


def open_photo(page: Page, photo: Path) -> None:
    page.set_input_files("#photo input[type=file]", photo)
    expect(page.locator("#status")).to_contain_text("px", timeout=WAIT_MS)


def open_group(page: Page, group: str) -> None:
    page.locator(f"#group-{group} .label-wrap").click()
    page.wait_for_timeout(500)  # the group is built on its first opening


def number(page: Page, control: str) -> Locator:
    return page.locator(f"#control-{control} input[type=number]")


def set_number(page: Page, control: str, value: Any, group: str = "sampling") -> None:
    """Types a number, in the group that is opened for it."""
    if not number(page, control).is_visible():
        open_group(page, group)
    number(page, control).fill(str(value))
    number(page, control).press("Tab")
    expect(number(page, control)).to_have_value(str(value))


def quick(page: Page) -> None:
    """One step, without a cleaner."""
    set_number(page, "steps", 1)
    page.locator("#control-cleaner").get_by_label("None").check()


def compare(page: Page) -> None:
    """Presses Compare and waits for this run's end: what the page said of a run before is marked, and does not count."""
    page.locator("#progress .progress").evaluate("box => box.setAttribute('data-before', '')")
    page.click("#run")
    expect(page.locator("#progress .progress:not([data-before]) .message")).to_contain_text("Finished", timeout=WAIT_MS)


def downloaded(page: Page, button: str) -> tuple[str, Path]:
    """(suggested name, file) of a download button, once it has its file."""
    expect(page.locator(f"{button}")).to_be_enabled(timeout=WAIT_MS)
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value.suggested_filename, Path(waiting.value.path())


def too_wide(page: Page) -> list[str]:
    """Visible elements that reach beyond the screen, and controls that are cut off; what scrolls by itself may hold both."""
    return page.evaluate(
        """() => {
          const found = [];
          const controls = 'button, a, input:not([type=file]), select, textarea';
          // The nearest ancestor that scrolls or cuts off.
          const frame = (e) => { for (let up = e.parentElement; up && up !== document.body; up = up.parentElement)
            if (getComputedStyle(up).overflowX !== 'visible') return up; return null; };
          const cut = (e, box) => { const up = frame(e);
            if (!up) return box.right > innerWidth + 1 || box.left < -1;
            return getComputedStyle(up).overflowX === 'hidden' && e.matches(controls) && box.right > up.getBoundingClientRect().right + 1; };
          if (document.documentElement.scrollWidth > innerWidth) found.push('page: ' + document.documentElement.scrollWidth);
          for (const e of document.querySelectorAll('body *')) {
            const box = e.getBoundingClientRect();
            if (box.width > 1 && box.height > 1 && e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && cut(e, box))
              found.push(e.outerHTML.slice(0, 140));
          }
          return found;
        }"""
    )


def covered(page: Page, within: str) -> list[str]:
    """Controls whose middle another element takes, each scrolled into sight first. Labels and parts of a control are the control."""
    return page.evaluate(
        """(within) => {
          const found = [];
          const controls = 'button, a[href], input:not([type=file]), select, textarea, summary, [role=slider], [role=tab]';
          for (const root of document.querySelectorAll(within)) for (const e of root.querySelectorAll(controls)) {
            if (e.disabled || !e.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
            e.scrollIntoView({block: 'center', inline: 'center'});
            const box = e.getBoundingClientRect();
            if (box.width < 2 || box.height < 2) continue;
            const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            const same = top && (e.contains(top) || top.contains(e) || e.closest('label')?.contains(top) || top.closest('[role=slider]')?.closest('.plot, .stage') === e.closest('.plot, .stage') && e.closest('.plot, .stage'));
            if (!same) found.push(e.outerHTML.slice(0, 120) + ' under ' + (top ? top.outerHTML.slice(0, 120) : 'nothing'));
          }
          return found;
        }""",
        within,
    )
