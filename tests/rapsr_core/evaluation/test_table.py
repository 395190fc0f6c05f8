from rapsr_core.evaluation.table import Row, append, header, load

METRICS = ("niqe", "grid")


def row(name: str, niqe: float | None = 5.5, notes: str = "") -> Row:
    scores = {(metric, which): 1.25 for metric in METRICS for which in ("input", "baseline", "enhanced")}
    return Row(name, scores | {("niqe", "enhanced"): niqe}, {"baseline": 2.5, "enhanced": 3.25}, notes)


def test_round_trip(tmp_path):
    path = tmp_path / "scores.csv"
    rows = [row("a, with a comma"), row("b", None, 'niqe: "too small"; sides 8 px'), row("ü")]
    for each in rows:
        append(path, each, METRICS)
    assert load(path, METRICS) == rows
    assert path.read_text(encoding="utf-8").splitlines()[0].split(",") == header(METRICS)


def test_no_file_yet(tmp_path):
    assert load(tmp_path / "scores.csv", METRICS) == []


def test_a_torn_last_line_is_dropped_and_written_again(tmp_path):
    path = tmp_path / "scores.csv"
    append(path, row("a"), METRICS)
    whole = path.read_bytes()
    append(path, row("b"), METRICS)
    path.write_bytes(path.read_bytes()[:-9])
    assert load(path, METRICS) == [row("a")]
    assert path.read_bytes() == whole
    append(path, row("b"), METRICS)
    assert load(path, METRICS) == [row("a"), row("b")]


def test_a_torn_header_is_written_again(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("image,niqe_in")
    assert load(path, METRICS) == []
    append(path, row("a"), METRICS)
    assert load(path, METRICS) == [row("a")]
