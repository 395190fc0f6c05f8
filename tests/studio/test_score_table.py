import re

from rapsr_core.quality.scoring import Score
from studio import score_table


def scores(**values: tuple[float | None, float | None, float | None]) -> dict[str, dict[str, Score]]:
    found: dict[str, dict[str, Score]] = {"input": {}, "baseline": {}, "enhanced": {}}
    for name, three in values.items():
        for which, value in zip(found, three, strict=True):
            found[which][name] = Score(name, value, 0.25, None)
    return found


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html)[1:]
    return [[re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)] for row in rows]


def test_rows_columns_difference_and_better() -> None:
    html = score_table.render(scores(niqe=(8.0, 6.5, 5.25), piqe=(60, 40, 45)), ["niqe", "piqe"])
    assert cells(html) == [
        ["8.00", "6.50", "5.25", "−1.25", "enhanced ✓", "0.8"],
        ["60.00", "40.00", "45.00", "+5.00", "baseline", "0.8"],
    ]
    assert html.count("↓") == 2
    assert "Metrics disagree: NIQE prefers the enhanced picture, PIQE the baseline." in html


def test_no_disagreement_when_all_agree_or_are_equal() -> None:
    assert "disagree" not in score_table.render(scores(niqe=(8, 6, 5), piqe=(60, 40, 30)), ["niqe", "piqe"])
    html = score_table.render(scores(niqe=(8, 6, 6), piqe=(60, 40, 30)), ["niqe", "piqe"])
    assert "disagree" not in html
    assert cells(html)[0][3:5] == ["±0.00", "equal"]


def test_higher_is_better_is_understood() -> None:
    found = scores(musiq=(30, 40, 50))
    assert score_table.verdicts(found, ["musiq"]) == {"musiq": "enhanced"}
    assert 'class="good">+10.00' in score_table.render(found, ["musiq"])


def test_partial_scores_show_dashes() -> None:
    html = score_table.render({"input": {"niqe": Score("niqe", 8.0, 0.2, None)}}, ["niqe", "piqe"])
    assert cells(html) == [["8.00", "–", "–", "–", "–", "0.2"], ["–", "–", "–", "–", "–", "–"]]


def test_a_failed_metric_shows_its_error_escaped_and_stops_nothing() -> None:
    failed = {
        which: {
            "niqe": Score("niqe", None, 0.0, "no <script>alert(1)</script> & co"),
            "piqe": Score("piqe", 4.0, 0.1, None),
        }
        for which in ("input", "baseline", "enhanced")
    }
    html = score_table.render(failed, ["niqe", "piqe"])
    assert "<script" not in html
    assert "no &lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html
    assert cells(html)[1][:3] == ["4.00"] * 3


def test_grid_energy_is_beside_and_judges_nothing() -> None:
    html = score_table.render(scores(niqe=(8, 6, 5), grid=(1.01, 1.02, 1.5)), ["niqe"])
    assert "input 1.01, baseline 1.02, enhanced 1.50" in html
    assert "disagree" not in html
    assert "BRISQUE and PIQE reward" in html


def test_the_viewer_gets_live_scores_and_the_better_branch() -> None:
    found = scores(niqe=(8.0, 6.5, 5.25), piqe=(60, 40, 45), musiq=(30, 40, 50))
    rows = {which: score_table.live_rows(found, which) for which in ("input", "baseline", "enhanced", "cleaner")}
    assert rows["input"] == (("NIQE", "8.00", False), ("PIQE", "60.00", False))
    assert rows["baseline"] == (("NIQE", "6.50", False), ("PIQE", "40.00", True))
    assert rows["enhanced"] == (("NIQE", "5.25", True), ("PIQE", "45.00", False))
    assert rows["cleaner"] == ()
