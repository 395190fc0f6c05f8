import subprocess
import sys
from pathlib import Path

import rapsr_core
from rapsr_core.json_lines import append, read

WRITER = """
import sys
from pathlib import Path
from rapsr_core.json_lines import append
for i in range(200):
    append(Path(sys.argv[1]), [{"who": sys.argv[2], "n": i, "text": "x" * 500}])
"""


def test_lines_come_back_in_order_with_their_numbers(tmp_path):
    rows = [{"a": 1}, {"ü 😀": 'line\n"break"'}, {"b": [None, 2.5]}]
    append(tmp_path / "f", rows[:2])
    append(tmp_path / "f", rows[2:])
    assert read(tmp_path / "f").found == tuple(enumerate(rows, 1))
    assert read(tmp_path / "none").found == ()


def test_a_torn_last_line_is_said_and_the_next_is_not_glued_to_it(tmp_path):
    append(tmp_path / "f", [{"a": "ü"}])
    data = (tmp_path / "f").read_bytes()
    for cut in (data[:3], data[: data.index("ü".encode()) + 1]):
        (tmp_path / "f").write_bytes(data + cut)
        assert read(tmp_path / "f").torn == (2,)
        append(tmp_path / "f", [{"b": 2}])
        assert read(tmp_path / "f").found == ((1, {"a": "ü"}), (3, {"b": 2}))
        assert read(tmp_path / "f").torn == (2,)


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    root = Path(rapsr_core.__file__).parents[1]
    names = ("a", "b", "c")
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "f"), name], cwd=root) for name in names]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = [row for _, row in read(tmp_path / "f").found]
    assert all([row["n"] for row in found if row["who"] == name] == list(range(200)) for name in names)
