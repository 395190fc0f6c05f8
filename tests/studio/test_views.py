from studio import progress_view, prompt_view
from studio.progress_view import Progress


def encoded(text: str, truncated: bool = False) -> dict:
    return {"text": text, "token_ids": [49406, 7, 49407], "count": 3, "limit": 77, "truncated": truncated}


def test_prompts_are_escaped_and_the_identifier_is_marked() -> None:
    prompts = {
        "baseline": {"positive": encoded("<img src=x onerror=alert(1)>"), "negative": encoded("")},
        "enhanced": {"positive": encoded("[X]. a & b"), "negative": encoded("[V]. ", truncated=True)},
    }
    html = prompt_view.render(prompts, {"positive": "[X]. ", "negative": "[V]. "})
    assert "<img" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert '<mark title="identifier">[X].</mark> a &amp; b' in html
    assert "no text: only start and end tokens" in html
    assert html.count("Too long: only the first 77 of 3 tokens are encoded.") == 1
    assert html.count("49406 7 49407") == 4
    assert html.count("3 of 77 tokens") == 4


def test_progress_says_stage_step_and_time() -> None:
    html = progress_view.render(
        Progress(
            progress_view.message("enhanced", 3, 8, 6.6),
            0.5,
            "enhanced",
            {"cleaner": 1.6, "baseline": 4.0, "enhanced": 1.5},
        )
    )
    assert 'aria-valuenow="50"' in html
    assert "Enhanced, step 3 of 8, about 7 s left" in html
    assert html.count('class="done"') == 2 and html.count('class="now"') == 1 and html.count('class="later"') == 1


def test_durations() -> None:
    assert [progress_view.duration(s) for s in (0.2, 45, 150, 5399, 7200)] == [
        "0 s",
        "45 s",
        "2 min",
        "90 min",
        "2.0 h",
    ]
    assert progress_view.time_left(None) == "measuring the speed of this machine"
