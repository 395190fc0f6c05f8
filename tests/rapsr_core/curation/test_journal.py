"""What a kill leaves of a shard under way."""

from rapsr_core.curation.journal import Journal
from rapsr_core.curation.scoring import Scored


def test_rows_come_back_exactly_a_torn_line_is_dropped_and_written_over(tmp_path):
    path = tmp_path / "j" / "part.jsonl"
    row = {"id": "a\udce9\n", "mean": 0.1 + 0.2, "tone": None}
    with Journal(path, "run1") as journal:
        journal.start("a\udce9\n")
        journal.add(Scored(row, {"light": 0.25}))
    with path.open("ab") as file:
        file.write(b'{"row": {"id": "b", "me')
    with Journal(path, "run1") as journal:
        assert journal.scored == {"a\udce9\n": Scored(row, {"light": 0.25})}
        journal.add(Scored({"id": "c"}, {}))
    with Journal(path, "run1") as journal:
        assert list(journal.scored) == ["a\udce9\n", "c"]


def test_a_start_without_a_row_is_a_death_in_its_own_run_only(tmp_path):
    for _ in range(2):
        with Journal(tmp_path / "j", "run1") as journal:
            journal.start("a")
    with Journal(tmp_path / "j", "run1") as journal:
        assert journal.deaths("a") == 2 and journal.deaths("b") == 0
    with Journal(tmp_path / "j", "run2") as journal:
        assert journal.deaths("a") == 0
