"""The Train tab's settings and command against train.refine itself, its views, and that it does nothing where jobs are off."""

import json
import shlex
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from tiny_dataset import dataset
from tiny_priors import save_tiny

from rapsr_core import ASSETS
from rapsr_core.comparison import Comparer
from rapsr_core.jobs import Command, JobError, Progress
from rapsr_core.priors import Prior, load_prior
from rapsr_core.recipe import EnhancedText, Recipe
from rapsr_core.refinement import shelf
from rapsr_core.refinement.presets import PRESETS
from rapsr_core.refinement.samples import Ropo
from rapsr_core.training.photos import training_photos
from studio import checks, examples, forms, page, train_jobs, train_settings, train_view, train_watch
from studio.engine import Engine
from studio.train_events import Handlers
from studio.train_jobs import Wish
from studio.train_settings import BY_PAGE, NOT_ON_PAGE, SETTINGS
from train.refine import check, identifiers
from train.refine_arguments import arguments, parse

HERE = ("embedded", "sd21-base")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A curated dataset named tiny, an empty shelf, no runs; jobs are stopped at the end."""
    names = {
        "RAPSR_CURATIONS": "curations",
        "RAPSR_TRAININGS": "trainings",
        "RAPSR_REFINEMENTS": "shelf",
        "RAPSR_WEIGHTS": "weights",
    }
    for variable, name in names.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    dataset(tmp_path / "curations/tiny", held_out=2)
    yield tmp_path
    for job in train_jobs.runs().jobs():
        train_jobs.runs().stop(job.name, 5.0)


def wished(prior: str = "embedded", preset: Any = None, name: str = "mine", **changed: Any) -> Wish:
    preset = preset or train_settings.preset_for(prior)
    return Wish(name, "tiny", prior, preset, train_settings.defaults(preset) | changed)


def parsed(wish: Wish) -> Any:
    return parse(arguments("test"), train_jobs.arguments(wish, train_jobs.real()))


def test_every_argument_of_the_command_line_is_on_the_page_or_left_out_with_a_reason() -> None:
    known = {action.dest for action in arguments("test")._actions} - {"help"}
    rows = [row.name for row in SETTINGS]
    assert len(rows) == len(set(rows))
    assert set(rows) | set(BY_PAGE) | set(NOT_ON_PAGE) == known
    assert not set(rows) & (set(BY_PAGE) | set(NOT_ON_PAGE))
    assert all(row.info and row.group in dict(train_settings.GROUPS) for row in SETTINGS)


@pytest.mark.parametrize(("prior", "preset"), [("embedded", "embedded"), ("embedded", "paper"), ("sd21-base", "paper")])
def test_the_page_begins_with_the_defaults_of_the_command_line(prior: str, preset: Any) -> None:
    args = parsed(wished(prior, preset))
    assert (args.prior, args.preset, args.shelve, args.resume) == (prior, preset, "mine", "latest")
    for row in SETTINGS:
        if row.belongs(prior) and row.name not in train_settings.PAGE_DEFAULTS:
            assert train_settings.defaults(preset)[row.name] == (
                getattr(args, row.name) or (0 if row.zero else getattr(args, row.name))
            )
    assert args.validation_steps == 60
    assert "--validation-steps" not in train_jobs.arguments(wished(prior, preset, validation_steps=0), train_jobs.real())


OTHERS = {
    "steps": 7, "method": "attention-only", "rank": 3, "learning_rate": 2.5e-5, "batch_size": 6, "minutes": 0.5, "threads": 1, "seed": 5,
    "positive_identifier": "good, ", "negative_identifier": "it's bad, ", "negative_share": 0.4, "negative_lq": "independent",
    "drop_text_share": 0.15, "faults": True, "learn_identifiers": True, "resolution": 96, "cache_items": 2, "pure_noise_share": 0.1,
    "degradation": "seesr_mild", "cache_latents": True, "objective": "plain", "lpips_weight": 0.25, "snr_gamma": 5, "lr_schedule": "linear",
    "warmup_steps": 9, "weight_decay": 0.05, "ema_decay": 0.9995, "mixed_precision": "no", "gradient_accumulation_steps": 2,
    "validation_steps": 30, "sheet_steps": 4, "checkpoint_minutes": 1.5,
}  # fmt: skip


@pytest.mark.parametrize("prior", HERE)
def test_every_control_reaches_the_command_line(prior: str) -> None:
    preset = train_settings.preset_for(prior)
    ticked = not PRESETS[preset]["gradient_checkpointing"]
    changed = OTHERS | {"gradient_checkpointing": ticked}
    assert {row.name for row in SETTINGS} == set(changed)
    assert train_settings.problems(prior, changed) == {}
    args, untouched = parsed(wished(prior, **changed)), parsed(wished(prior))
    for row in SETTINGS:
        assert getattr(args, row.name) == (changed[row.name] if row.belongs(prior) else getattr(untouched, row.name)), row.name


@pytest.mark.parametrize(
    ("prior", "changed", "where", "message"),
    [
        ("embedded", {"resolution": 40}, "resolution", "40 px; it must be a multiple of 16 from 48 to 256"),
        ("embedded", {"resolution": 32}, "resolution", "from 48"),
        ("embedded", {"resolution": 512}, "resolution", "from 48 to 256"),
        ("sd21-base", {"resolution": 64}, "resolution", "from 80"),
        ("sd21-base", {"objective": "ours"}, "objective", "the embedded prior's alone"),
        ("embedded", {"negative_share": 0.8, "faults": True}, "negative_share", "nothing is left"),
        ("embedded", {"negative_identifier": "[X]. "}, "negative_identifier", "must differ"),
    ],
)
def test_what_the_page_refuses_train_refine_refuses_as_well(
    assets: Path, tmp_path: Path, prior: str, changed: dict[str, Any], where: str, message: str
) -> None:
    wish = wished(prior, **changed)
    assert message in train_settings.problems(prior, wish.values)[where]
    loaded = load_prior(assets / "prior" if prior == "embedded" else save_tiny("sd21", tmp_path / "sd21"))
    args = parsed(wish)
    args.resolution = args.resolution or loaded.kind.resolution_px
    with pytest.raises(ValueError, match=r"share|identifiers|multiple|LPIPS|--objective"):
        _as_refine_checks(args, loaded)


def _as_refine_checks(args: Any, prior: Prior) -> None:
    check(args, prior)
    Ropo(identifiers(args))


@pytest.mark.parametrize(
    ("changed", "where", "message"),
    [
        ({"steps": 0}, "steps", "Steps is 0; it must be from 1 to 1e+06"),
        ({"steps": None}, "steps", "Steps is empty"),
        ({"minutes": -1}, "minutes", "or 0"),
        ({"learning_rate": 0}, "learning_rate", "it must be from 1e-08 to 1"),
        ({"positive_identifier": " "}, "positive_identifier", "write a text"),
        ({"positive_identifier": "-x"}, "positive_identifier", "does not begin with a hyphen"),
        ({"batch_size": 5, "gradient_accumulation_steps": 2}, "batch_size", "a multiple of the 2 forward passes"),
    ],
)
def test_values_out_of_range_are_told_with_the_remedy(changed: dict, where: str, message: str) -> None:
    wish = wished(**changed)
    assert message in train_jobs.problems(wish)[where]
    with pytest.raises(JobError):
        train_jobs.start(wish)
    assert not (train_jobs.root() / "mine").exists()


def test_names_that_are_taken_or_no_names_are_refused(folders: Path) -> None:
    for name in ("a/b", "../x", "none", "embedded", "a b"):
        assert "take" in train_jobs.problems(wished(name=name))["name"]
    assert train_jobs.problems(wished(name=""))["name"] == "Give the refinement a name"
    (folders / "shelf/done").mkdir(parents=True)
    for name in ("begun", "begun-7"):
        (folders / "trainings" / name).mkdir(parents=True)
    assert "a refinement named done already" in train_jobs.problems(wished(name="done"))["name"]
    assert "a run named begun already; resume it" in train_jobs.problems(wished(name="begun"))["name"]
    assert [train_jobs.next_name(name) for name in ("done", "begun", "begun-7")] == ["done-2", "begun-2", "begun-8"]
    for missing in (None, "nothing", "../curations/tiny", "/etc"):
        assert train_jobs.problems(replace(wished(), dataset=missing))["dataset"] == "Choose a curated dataset"
    assert "train.doctor" in train_jobs.problems(wished("sd21-base"))["prior"]
    assert [name for _, name in train_jobs.priors()] == ["embedded"]


def test_without_a_dataset_the_page_says_how_to_get_one(folders: Path, comparer: Comparer) -> None:
    shutil.rmtree(folders / "curations/tiny")
    (folders / "curations/tiny").mkdir()  # scored, and no dataset was written
    do = handlers(built(comparer))
    told, command = do.plan("", None, "embedded", "embedded", *train_settings.defaults("embedded").values())
    assert "python -m train.curate POOL runs/NAME writes one" in told and "Give the refinement a name" in told
    assert "problem" not in told and command == ""
    told, _ = do.plan("a b", None, "embedded", "embedded", *train_settings.defaults("embedded").values())
    assert '<p class="problem">&#x27;a b&#x27; is no name' in told


def test_a_dataset_is_counted_as_the_training_counts_it(folders: Path) -> None:
    found = train_jobs.dataset("tiny")
    assert found.photographs == len(training_photos(folders / "curations/tiny/dataset")) == 3
    with (folders / "curations/tiny/dataset/metadata.jsonl").open("a") as file:
        file.write(json.dumps({"id": "another.png"}) + "\n")
    again = train_jobs.dataset("tiny")
    assert again.photographs == 4 and again.digest != found.digest


def test_the_command_that_is_shown_is_the_one_that_runs_and_names_no_folder(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = wished(positive_identifier="it's $good. ")
    shown = train_jobs.command_line(wish)
    assert str(folders) not in shown
    places = {"RAPSR_CURATIONS": str(folders / "curations"), "RAPSR_TRAININGS": str(folders / "trainings")}
    words = shlex.split(shown.replace("\\\n", " "))
    for name, folder in places.items():
        words = [word.replace(f"${name}", folder) for word in words]
    assert words == ["python", "-m", "train.refine", *train_jobs.arguments(wish, train_jobs.real())]
    for name in places:
        monkeypatch.delenv(name)
    assert train_jobs.told() == train_jobs.Places("runs", "runs/train")


def fake(name: str, wish: Wish, code: int, **progress: Any) -> None:
    """A run that has ended: the real command line, and a real process in its place."""
    out = train_jobs.root() / name
    argv = (sys.executable, "-c", f"raise SystemExit({code})", *train_jobs.arguments(wish, train_jobs.real()))
    train_jobs.runs().start(name, Command(argv, Path.cwd(), progress=out))
    while train_jobs.runs().job(name).state == "running":
        time.sleep(0.05)
    (out / "settings.json").write_text(json.dumps({"steps": 100, "batch_size": 2}))
    (out / "progress.jsonl").write_text(json.dumps({"step": 20, "loss": 0.5, "samples_per_s": 4.0} | progress) + "\n")


def test_the_time_is_that_of_a_run_of_the_same_kind_or_not_known() -> None:
    assert train_jobs.speed(wished()) is None
    fake("before", wished(rank=4), 0)
    assert train_jobs.speed(wished()) is None
    assert train_jobs.speed(wished(rank=4, steps=9, seed=3, learning_rate=0.1)) == (4.0, "before")
    chosen = train_jobs.dataset("tiny")
    known = train_view.plan(chosen, wished(steps=10, batch_size=2).values, "embedded", (4.0, "before"), 0)
    assert "10 steps of 2 = 20 samples, each photograph about 6.7 times" in known
    assert "about 5 s, at the 4.0 samples a second of run before" in known and "800 patches are made first." in known
    assert "is not known before" in train_view.plan(chosen, wished().values, "embedded", None, 100)


def test_a_failed_run_is_told_with_its_reason_and_can_be_resumed(folders: Path) -> None:
    fake("bad", wished(), 3)
    log = train_jobs.runs().job("bad").log
    log.write_text(f"reading {folders}/curations/tiny\nerror: <the loss> is nan; see {folders}/trainings/bad\n")
    now = train_watch.look("bad")
    assert now.runs == (("bad: failed", "bad"),) and (now.may_stop, now.may_resume, now.may_open) == (False, True, False)
    assert "failed: error: &lt;the loss&gt; is nan; see $RAPSR_TRAININGS/bad" in now.progress
    assert "reading $RAPSR_CURATIONS/tiny" in now.log and str(folders) not in now.log + now.progress
    assert "a run named bad already" in train_jobs.problems(wished(name="bad"))["name"]
    with pytest.raises(JobError, match="there is no job"):
        train_jobs.stop("unknown")


def test_sheets_are_looked_through(folders: Path) -> None:
    fake("drawn", wished(faults=True, negative_identifier="bad, "), 0)
    for step in (20, 40, 60):
        Image.new("RGB", (8, 8), (step, 0, 0)).save(folders / f"trainings/drawn/sheet-{step:06d}.png")
    now = train_watch.look("drawn")
    assert now.sheets == (2, 0) and "Sheet 3 of 3, step 60" in now.sheet_told
    assert "with [X]., with bad,, with each fault" in now.sheet_told
    earlier = train_watch.turned("drawn", "", -1)
    assert earlier == "sheet-000040.png"
    assert train_watch.look("drawn", earlier).sheets == (1, 1)
    assert train_watch.look("drawn", earlier).sheet != now.sheet
    assert train_watch.turned("drawn", earlier, 1) == ""
    assert train_watch.turned("drawn", "sheet-000020.png", -1) == "sheet-000020.png"
    assert str(folders / "trainings") not in (now.sheet or "")  # a copy in Gradio's folder


def test_the_loss_is_drawn_thinned_with_its_end() -> None:
    curve = tuple((20 * k, 1 / k) for k in range(1, 2000))
    found = Progress(39980, 40000, 1 / 1999, 3.0, 9.0, curve, {"lr": 1e-3, "odd_one": 2.0}, {"identifier_contrast": 0.25}, ())
    svg = train_view.curve(found)
    assert svg.count(",") < 320 and "0.0005 at step 39980" in svg and 'role="img"' in svg
    assert train_view.curve(replace(found, curve=())) == ""


def test_only_one_run_trains_at_a_time_and_a_second_page_sees_it() -> None:
    argv = (sys.executable, "-c", "import time; time.sleep(60)")
    train_jobs.runs().start("first", Command(argv, Path.cwd(), progress=train_jobs.root() / "first"))
    with pytest.raises(JobError, match="job first is running"):
        train_jobs.start(wished(name="second"))
    now = train_watch.look(None)
    assert (now.run, now.busy, now.every_s, now.may_stop, now.may_resume) == ("first", "first", train_watch.BUSY_S, True, False)
    assert "first is running, and only one run trains at a time" in train_view.busy(now.busy)
    train_jobs.stop("first")
    end = time.monotonic() + 30
    while train_watch.look("first").busy:
        assert time.monotonic() < end
        time.sleep(0.1)
    now = train_watch.look("first")
    assert (now.may_resume, now.every_s) == (True, train_watch.IDLE_S) and "was stopped" in now.progress


def test_without_runs_nothing_can_be_pressed() -> None:
    now = train_watch.look(None)
    assert (now.run, now.runs, now.busy, now.may_stop, now.may_resume, now.may_open) == (None, (), "", False, False, False)
    assert "No run yet" in now.progress and train_watch.turned(None, "", 1) == ""


def shelve(name: str, prior: str, fingerprint: str = "0") -> None:
    facts = {
        "identifiers": {"positive": "good, ", "negative": "bad, "},
        "token_ids": {},
        "prior": prior,
        "prior_fingerprint": fingerprint,
    }
    folder = shelf.shelf() / name
    folder.mkdir(parents=True)
    (folder / "refinement.json").write_text(json.dumps(facts))
    (folder / "pytorch_lora_weights.safetensors").touch()


def handlers(demo: gr.Blocks) -> Handlers:
    """Of the page: the object whose method an event of the tab calls."""
    return next(fn.fn.__self__ for fn in demo.fns.values() if isinstance(getattr(fn.fn, "__self__", None), Handlers))


def built(comparer: Comparer) -> gr.Blocks:
    return page.build(Engine.of(comparer), examples.load(ASSETS / "examples"))


def test_a_refinement_is_opened_in_compare_with_its_identifiers(comparer: Comparer) -> None:
    do = handlers(built(comparer))
    controls = do.compare.controls
    shelve("mine", "embedded")
    assert dict(map(reversed, forms.refinements()))["mine"] == "mine (of prior embedded)"
    now = do.open("mine", "embedded")
    assert now[controls["enhanced.refinement"]].value == "mine"
    assert now[controls["enhanced.positive_identifier"]] == "good, " and now[controls["enhanced.negative_identifier"]] == "bad, "
    assert controls["host"] not in now and now[do.tabs].selected == "compare"
    assert controls["host"] in do.open("mine", "seesr")
    shelve("far", "sd15")
    with pytest.raises(gr.Error, match="No host here is built on prior sd15"):
        do.open("far", "embedded")
    with pytest.raises(gr.Error, match="no refinement named gone"):
        do.open("gone", "embedded")
    checks.check_recipe(Recipe(enhanced=EnhancedText(refinement="mine")))  # so Compare, the API and the Prompt lab take the name


def test_what_did_not_change_is_not_sent_again(comparer: Comparer) -> None:
    do = handlers(built(comparer))
    first = do.opened(None, "")
    assert {do.parts.runs, do.parts.start, do.parts.dataset} <= first.keys()
    seen = first[do.parts.seen]
    assert do.watch(None, "", seen).keys() == {do.parts.seen}
    shelve("new", "embedded")
    now = do.watch(None, "", seen)
    assert now.keys() == {do.parts.seen, do.compare.controls["enhanced.refinement"]}
    fake("one", wished(name="one"), 0)
    now = do.watch(None, "", now[do.parts.seen])
    assert now[do.parts.runs].value == "one" and now[do.parts.progress].startswith('<div class="progress">')
    fake("two", wished(name="two"), 3)
    now = do.watch("one", "", now[do.parts.seen])
    assert now.keys() == {do.parts.seen, do.parts.runs} and now[do.parts.runs].value is None  # what is chosen stays so


def test_another_prior_brings_its_preset_and_its_settings(comparer: Comparer) -> None:
    do = handlers(built(comparer))
    now = do.prior("sd21-base")
    assert now[do.parts.preset] == "paper"
    assert now[do.parts.settings["steps"]]["value"] == 4000
    assert not now[do.parts.settings["cache_items"]]["visible"] and now[do.parts.settings["degradation"]]["visible"]


def test_where_jobs_are_off_the_tab_says_why_and_has_no_endpoint(comparer: Comparer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/space")
    off = built(comparer)
    assert not any(isinstance(getattr(fn.fn, "__self__", None), Handlers) for fn in off.fns.values())
    (told,) = (block.value for block in off.blocks.values() if block.elem_id == "train-off")
    assert "RAPSR_ALLOW_JOBS=1" in told and "on your own machine" in told
    assert not any(block.elem_id == "train-start" for block in off.blocks.values())
    assert not any(block.active for block in off.blocks.values() if isinstance(block, gr.Timer))
    monkeypatch.setenv("RAPSR_ALLOW_JOBS", "1")
    assert handlers(built(comparer))
