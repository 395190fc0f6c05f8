import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import rapsr_core
from rapsr_core.jobs import Command, JobError, Runs
from rapsr_core.jobs.job import processes_of

ROOT = Path(rapsr_core.__file__).parents[1]
SLEEP = "import time; print('began', flush=True); time.sleep(60)"
POLITE = """
import sys, time
try:
    print("began", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("saved", flush=True)
    sys.exit(130)
"""
DEAF = """
import signal, time
for number in {numbers}:
    signal.signal(number, signal.SIG_IGN)
print("began", flush=True)
time.sleep(60)
"""


def script(text: str, cwd: Path, **environment: str) -> Command:
    return Command((sys.executable, "-c", text), cwd, environment)


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def began(runs: Runs, name: str) -> None:
    until(lambda: "began" in runs.job(name).log.read_text())


def ended(runs: Runs, name: str) -> None:
    until(lambda: runs.job(name).state != "running")


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path / "runs")
    yield made
    for job in made.jobs():
        made.stop(job.name, 0.0)


def test_a_job_that_ends_with_0_has_finished(runs, tmp_path):
    job = runs.start("one", script("import os; print(os.getcwd(), os.environ['KEY'])", tmp_path, KEY="value"))
    assert job.state in ("running", "finished")
    ended(runs, "one")
    job = runs.job("one")
    assert (job.state, job.reason) == ("finished", "")
    assert job.log.read_text() == f"{tmp_path} value\n"
    assert job.started_s <= job.ended_s <= time.time()


def test_a_job_that_fails_says_how_with_the_end_of_its_log(runs, tmp_path):
    runs.start("bad", script("for k in range(99): print('line', k)\nraise SystemExit('no photographs')", tmp_path))
    ended(runs, "bad")
    job = runs.job("bad")
    assert job.state == "failed"
    assert job.reason.splitlines()[0] == "exit code 1; the end of its log:"
    assert job.reason.splitlines()[-2:] == ["line 98", "no photographs"]
    runs.start("none", Command(("/no/such/program",), tmp_path))
    assert runs.job("none").state == "failed"
    assert "exit code 127" in runs.job("none").reason and "/no/such/program" in runs.job("none").reason


def test_a_stop_lets_the_command_save_first(runs, tmp_path):
    runs.start("one", script(POLITE, tmp_path))
    began(runs, "one")
    assert runs.job("one").state == "running"
    job = runs.stop("one")
    assert job.state == "stopped" and not job.stopping
    assert "saved" in job.log.read_text()
    assert not any(process.alive for process in processes_of(job.folder))
    assert runs.stop("one") == job  # nothing is left to do


@pytest.mark.parametrize(("deaf_to", "signals"), [("(2,)", 2), ("(2, 15)", 3)])
def test_what_does_not_hear_one_signal_gets_the_next(runs, tmp_path, deaf_to, signals):
    runs.start("deaf", script(DEAF.format(numbers=deaf_to), tmp_path))
    began(runs, "deaf")
    asked = time.monotonic()
    job = runs.stop("deaf", grace_s=0.6)
    assert job.state == "stopped"
    assert json.loads((job.folder / "exit.json").read_text())["code"] == {2: -15, 3: -9}[signals]
    assert not any(process.alive for process in processes_of(job.folder))
    assert time.monotonic() - asked >= 0.6


def test_children_of_the_command_are_stopped_with_it(runs, tmp_path):
    text = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {POLITE!r}])"
    runs.start("parent", script(text, tmp_path))
    began(runs, "parent")
    child = psutil.Process(processes_of(runs.folder / "parent")[1].pid).children()[0]
    runs.stop("parent")
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_deaf_workers_in_sessions_of_their_own_are_killed_with_it(runs, tmp_path):
    """As torchrun starts them."""
    deaf = DEAF.format(numbers="(2, 15)")
    text = f"{deaf.partition('time.sleep')[0]}\nimport subprocess, sys\nsubprocess.run([sys.executable, '-c', {deaf!r}], start_new_session=True)"
    runs.start("parent", script(text, tmp_path))
    command = psutil.Process(processes_of(runs.folder / "parent")[1].pid)
    until(lambda: runs.job("parent").log.read_text().count("began") == 2)
    (worker,) = command.children()
    assert runs.stop("parent", 0.3).state == "stopped"
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 5)


def test_a_stop_is_heard_where_the_studio_itself_ignores_ctrl_c(runs, tmp_path):
    """As in `python app.py &` of a script; children inherit an ignored SIGINT."""
    was = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        runs.start("one", script(POLITE, tmp_path))
    finally:
        signal.signal(signal.SIGINT, was)
    began(runs, "one")
    assert "saved" in runs.stop("one").log.read_text()


def test_a_job_outlives_who_started_it_and_is_found_again(runs, tmp_path):
    start = f"""
from pathlib import Path
from rapsr_core.jobs import Command, Runs
Runs(Path({str(runs.folder)!r})).start("one", Command(({sys.executable!r}, "-c", {SLEEP!r}), Path({str(tmp_path)!r})))
"""
    subprocess.run([sys.executable, "-c", start], check=True, cwd=ROOT, timeout=60, capture_output=True)  # holds no pipe of ours
    (job,) = Runs(runs.folder).jobs()
    assert (job.name, job.state) == ("one", "running")
    assert job.command.argv[2] == SLEEP
    assert Runs(runs.folder).stop("one").state == "stopped"


def test_a_pid_that_came_round_is_no_running_job_and_is_not_signalled(runs, tmp_path):
    """Both pids are those of a process that runs, of another start time."""
    runs.start("one", script(SLEEP, tmp_path))
    bystander = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    try:
        folder = runs.folder / "one"
        truth = (folder / "process.json").read_text()
        other = psutil.Process(bystander.pid).create_time()
        for wrong, state in ((0.0, "running"), (-100.0, "failed")):
            rows = [{"pid": bystander.pid, "time_s": other + wrong}] * 2
            (folder / "process.json").write_text(json.dumps({"processes": rows}))
            assert runs.job("one").state == state
        assert "without a word" in runs.job("one").reason
        runs.stop("one", 0.1)
        assert bystander.poll() is None
        (folder / "process.json").write_text(truth)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_kill_is_a_failure_unless_it_was_asked_for(runs, tmp_path):
    runs.start("one", script(SLEEP, tmp_path))
    runner, command = processes_of(runs.folder / "one")
    os.kill(command.pid, signal.SIGKILL)
    ended(runs, "one")
    assert runs.job("one").reason.startswith("ended by SIGKILL")
    runs.start("two", script(POLITE, tmp_path))
    began(runs, "two")
    runner, command = processes_of(runs.folder / "two")
    os.kill(runner.pid, signal.SIGKILL)
    until(lambda: not runner.alive)
    assert runs.job("two").state == "running"  # the command is
    job = runs.stop("two")
    assert job.state == "stopped" and "saved" in job.log.read_text()


def test_one_job_at_a_time_unless_more_are_asked_for(runs, tmp_path):
    runs.start("one", script(SLEEP, tmp_path))
    with pytest.raises(JobError, match="job one is running; stop it first"):
        runs.start("two", script(SLEEP, tmp_path))
    assert not (runs.folder / "two").exists()
    runs.start("two", script(SLEEP, tmp_path), alone=False)
    assert [job.name for job in runs.jobs()] == ["two", "one"]
    runs.stop("one", 0.1)
    with pytest.raises(JobError, match="job two is running"):
        runs.resume("one")


def test_of_several_that_start_at_once_one_is_the_only_one(runs, tmp_path):
    start = """
import sys
from pathlib import Path
from rapsr_core.jobs import Command, JobError, Runs
try:
    Runs(Path(sys.argv[1])).start(sys.argv[2], Command((sys.executable, "-c", sys.argv[3]), Path(sys.argv[1])))
except JobError as error:
    sys.exit(str(error))
"""
    given = [[sys.executable, "-c", start, str(runs.folder), name, SLEEP] for name in ("a", "b", "c")]
    starting = [subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL) for argv in given]
    assert sorted(process.wait(60) for process in starting) == [0, 1, 1]
    assert [job.state for job in runs.jobs()] == ["running"]


def test_resuming_runs_the_same_command_again_in_the_same_log(runs, tmp_path):
    counted = "from pathlib import Path; p = Path('n'); n = len(p.read_text()) if p.exists() else 0; p.write_text('x' * (n + 1)); print('time', n); raise SystemExit(n == 0)"
    first = runs.start("one", script(counted, tmp_path))
    ended(runs, "one")
    assert runs.job("one").state == "failed"
    runs.resume("one")
    ended(runs, "one")
    job = runs.job("one")
    assert job.state == "finished" and job.command == first.command
    assert job.log.read_text() == "time 0\ntime 1\n"
    with pytest.raises(JobError, match="job one is finished; only one that was stopped or failed"):
        runs.resume("one")


def test_a_stopped_job_that_is_resumed_is_not_stopped_any_more(runs, tmp_path):
    runs.start("one", script(POLITE, tmp_path))
    began(runs, "one")
    runs.stop("one")
    assert (runs.resume("one").state, runs.job("one").stopping) == ("running", False)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 81])
def test_names_that_are_no_folder_are_refused(runs, tmp_path, name):
    with pytest.raises(JobError, match="is no job's name"):
        runs.start(name, script(SLEEP, tmp_path))


def test_unknown_and_taken_names_are_told(runs, tmp_path):
    with pytest.raises(JobError, match="there is no job in"):
        runs.job("nobody")
    runs.start("one", script("", tmp_path))
    ended(runs, "one")
    with pytest.raises(JobError, match="there is a job named one already"):
        runs.start("one", script("", tmp_path))


def test_watching_tells_what_changed_and_ends_with_the_job(runs, tmp_path):
    text = """
import json, time
from pathlib import Path
Path("settings.json").write_text(json.dumps({"steps": 4, "batch_size": 10}))
for step in (1, 2, 3, 4):
    with open("progress.jsonl", "a") as file:
        file.write(json.dumps({"step": step, "loss": 1 / step, "samples_per_s": 5.0}) + "\\n")
    time.sleep(0.3)
"""
    command = Command((sys.executable, "-c", text), tmp_path, progress=tmp_path)
    runs.start("one", command)
    seen = list(runs.watch("one", every_s=0.05))
    assert [job.state for job, _ in seen][-1] == "finished"
    steps = [progress.step for _, progress in seen]
    assert steps == sorted(steps) and steps[-1] == 4 and len(set(steps)) >= 3
    known = {progress.step: progress.seconds_left for _, progress in seen}
    assert known[2] == 4.0 and known[4] == 0.0
    runs.start("silent", script("", tmp_path))
    with pytest.raises(JobError, match="writes no progress that is known"):
        next(runs.watch("silent"))
