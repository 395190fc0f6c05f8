import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from tiny_curation import HOSTILE, STAGES

from rapsr_core.curation.columns import Rule
from rapsr_core.curation.report import funnel_markdown, html, write_report
from rapsr_core.curation.report.facts import rule_text
from rapsr_core.curation.report.markup import decimals, number, percent
from rapsr_core.curation.selecting import select

VOID = {"meta", "img", "line", "rect", "circle", "path"}


class Reader(HTMLParser):
    """Collects tags and fails on one that is closed wrongly."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(self.texts)


@pytest.fixture
def page(report):
    return Reader(html(report))


def test_the_page_is_well_formed_and_asks_for_nothing(report, page):
    addresses = [a[name] for _, a in page.tags for name in ("src", "href") if name in a]
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in addresses)
    assert "url(" not in html(report)
    assert "@import" not in html(report)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_hostile_names_stay_text(page):
    assert len(page.all("script")) == 1
    assert HOSTILE in page.text
    assert {a["title"] for a in page.all("span") if "title" in a} >= {HOSTILE}


def test_every_link_of_the_contents_leads_to_a_section(page):
    anchors = {a["id"] for _, a in page.tags if "id" in a}
    links = [a["href"][1:] for a in page.all("a")]
    assert set(links) <= anchors
    assert links[:3] == ["funnel", "comparison", "histograms"]
    assert len(links) == 9


def test_tables_have_captions_and_heads_with_scope_and_pictures_have_alternatives(page):
    assert len(page.all("caption")) == len(page.all("table")) >= 8
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    assert all(a.get("alt") for a in page.all("img"))
    assert all(a.get("aria-label") or a.get("aria-hidden") for a in page.all("svg"))


def test_the_funnel_has_the_counts_of_the_selection(report, page):
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html(report))
    counts = {name: re.findall(r'<td class="n">([\d,]*)</td>', cells) for name, cells in rows}
    for step, label in zip(report.selection.funnel, ("Admission", "Fidelity", "Human selection"), strict=True):
        found = next(re.findall(r'<td class="n">([\d,]+)</td>', cells) for name, cells in rows if name == label)
        assert found == [str(step.entered), str(step.entered - step.left), str(step.left)]
    assert counts["Pool"][-1] == "30"


def test_every_reason_has_examples_with_its_value(page):
    for said in ("width 50 px is below 100", "sharpness 9 is below 10", "sharpness 2 is below 10", "rejected by the reviewers"):
        assert said in page.text
    for heading in ("Admission: width", "Fidelity: sharpness", "Human selection: rejected by the reviewers"):
        assert heading in page.text


def test_examples_go_from_the_narrowest_miss_to_the_clearest(page):
    values = [float(v) for v in re.findall(r"sharpness ([\d.]+) is below", page.text)]
    assert values == sorted(values, reverse=True)
    assert (values[0], values[-1], len(values)) == (9, 2, 6)


def test_best_and_weakest_kept_are_shown_in_order(report, page):
    kept = [int(v.id[:2]) for v in report.selection.verdicts if v.kept and v.id != HOSTILE]
    assert f"sharpness ↑, best what sharpness is {max(kept) + 1}.00" in re.sub(r"\s+", " ", page.text)
    assert f"{min(kept)}.00" in page.text


def test_duplicates_stand_beside_the_one_that_stays(page):
    text = re.sub(r"\s+", " ", page.text)
    assert "Clusters: 1. Images left out for a better one: 2." in text
    assert "3 alike stays 06.png left out 04.png left out 05.png" in text


def test_errors_agreement_settings_and_sources_are_there(page):
    for said in ("damaged <b>", "Cohen’s kappa", "ana: observed agreement", "<POOL>", "where noise <σ> is from", "no picture"):
        assert said in page.text


def test_the_header_counts_the_measures_that_did_not_select(page):
    assert "measures not used to select: better mean 1 of 1" in re.sub(r"\s+", " ", page.text)


def test_a_selection_of_nothing_and_one_of_everything_have_pages(report, columns):
    nothing = select(columns, STAGES, [Rule("width", low=1e6)])
    assert "Nothing was kept" in Reader(html(replace(report, selection=nothing, agreement=None))).text
    clean = columns | {"error": np.array([""] * 30, dtype=object)}
    everything = select(clean, STAGES, [])
    text = Reader(html(replace(report, columns=clean, selection=everything, agreement=None))).text
    assert "Nothing was left out" in text
    assert "Files that could not be used" not in text


def test_the_page_is_written_as_it_is(report, tmp_path):
    assert write_report(report, tmp_path / "report.html").read_text(encoding="utf-8") == html(report)


def test_the_funnel_in_markdown(report):
    assert funnel_markdown(report.selection, STAGES) == (
        "| stage | images in | left out | remain | of the pool |\n|---|---:|---:|---:|---:|\n"
        "| Admission | 30 | 4 | 26 | 86.7 % |\n| Fidelity | 26 | 6 | 20 | 66.7 % |\n| Human selection | 20 | 1 | 19 | 63.3 % |\n\n"
        "| stage | left out for | kept is | images |\n|---|---|---|---:|\n"
        "| Admission | duplicate or near duplicate |  | 2 |\n| Admission | not a usable image |  | 1 |\n| Admission | width | ≥ 100 px | 1 |\n"
        "| Fidelity | sharpness | ≥ 10 | 6 |\n| Human selection | rejected by the reviewers |  | 1 |\n"
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (None, ""),
        (Rule("a", low=0.1, high=0.9), "0.1 to 0.9 px"),
        (Rule("a", high=0, best=0.4), "best 40 % (≤ 0 px)"),
        (Rule("a", best=0.125), "best 12.5 %"),
    ],
)
def test_rules_in_words(rule, said):
    assert rule_text(rule, "px") == said


def test_numbers_show_what_varies():
    assert [decimals(s) for s in (0, 0.0123, 3.4, 250, 1e-9)] == [0, 4, 2, 0, 6]
    assert number(-1234.567, 1) == "−1,234.6"
    assert number(0.5, 2, sign=True) == "+0.50"
    assert [percent(5000, 1_000_000), percent(1, 3), percent(0, 0)] == ["0.50 %", "33.3 %", "0.0 %"]
