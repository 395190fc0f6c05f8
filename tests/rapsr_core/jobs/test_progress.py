import json

import pytest

from rapsr_core.jobs import progress_of, tail


def write(folder, *rows, torn=""):
    (folder / "progress.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + torn)


def test_a_run_that_has_not_begun_has_no_figures(tmp_path):
    progress = progress_of(tmp_path / "nothing")
    assert (progress.step, progress.steps, progress.loss, progress.sheet) == (0, None, None, None)
    assert progress.curve == progress.sheets == () and progress.seconds_left is None and progress.sheet_figures == {}


def test_progress_is_read_from_the_files_of_the_loop(tmp_path):
    (tmp_path / "settings.json").write_text('{"steps": 100, "batch_size": 8}')
    rows = [
        {"step": 20, "lr": 0.1, "loss": 0.5, "samples_per_s": 3.0, "seconds": 9.0},
        {"step": 40, "lr": 0.2, "gradient_norm": 1.5, "loss": 0.25, "samples_per_s": 4.0, "seconds": 18.0},
        {"step": 40, "text_contrast": 0.1},
    ]
    write(tmp_path, *rows, torn='{"step": 60, "lo')
    for name in ("sheet-000020.png", "sheet-000040.png"):
        (tmp_path / name).touch()
    progress = progress_of(tmp_path)
    assert (progress.step, progress.steps, progress.loss, progress.samples_per_s) == (40, 100, 0.25, 4.0)
    assert progress.seconds_left == 60 * 8 / 4.0
    assert progress.curve == ((20, 0.5), (40, 0.25))
    assert progress.figures == {"lr": 0.2, "gradient_norm": 1.5}
    assert progress.sheet_figures == {"text_contrast": 0.1}
    assert progress.sheet == tmp_path / "sheet-000040.png"
    assert progress.sheets == (tmp_path / "sheet-000020.png", progress.sheet)


def test_settings_that_are_being_written_are_not_yet_known(tmp_path):
    (tmp_path / "settings.json").write_text('{"steps"')
    write(tmp_path, {"step": 20, "loss": 0.5, "samples_per_s": 3.0})
    progress = progress_of(tmp_path)
    assert (progress.steps, progress.seconds_left, progress.loss) == (None, None, 0.5)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a\n\nb\r\nc", ["a", "b", "c"]),
        ("10%\r50%\r100%\r\nend\n\r3%", ["100%", "end", "3%"]),
        ("".join(f"{k}\n" for k in range(50)), [str(k) for k in range(38, 50)]),
        ("x" * 20000 + "\nlast", ["x" * 16379, "last"]),
        ("Ü\n", ["Ü"]),
    ],
)
def test_the_end_of_a_log_is_what_was_seen_last(tmp_path, text, lines):
    (tmp_path / "log").write_text(text, newline="")
    assert tail(tmp_path / "log") == lines


def test_there_may_be_no_log(tmp_path):
    assert tail(tmp_path / "log") == []
