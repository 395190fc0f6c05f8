"""What the page shows of one comparison while its events arrive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core import events
from rapsr_core.hosts.registry import host_info
from rapsr_core.quality.scoring import Score
from rapsr_core.recipe import Recipe
from studio import history, prompt_view, score_table, viewer
from studio.curve import Curve
from studio.progress_view import Progress, duration, message
from studio.results import Export, RunFolder

LABELS = {
    "truth": "Ground truth",
    "input": "Input (bicubic x4)",
    "cleaner": "Cleaned (guide)",
    "baseline": "Baseline",
    "enhanced": "RAP-SR enhanced",
}
ALTS = {
    "truth": "The ground truth, at the size of the results",
    "input": "The photograph, enlarged four times by bicubic interpolation",
    "cleaner": "First estimate by the cleaner, which guides both branches",
    "baseline": "Result of the host alone",
    "enhanced": "Result of the host with the RAP-SR refinement plugged in",
}


@dataclass
class LiveRun:
    """State of one comparison; `take` each event in order, then read what changed from the methods."""

    folder: RunFolder
    recipe: Recipe
    curve: Curve = field(default_factory=lambda: Curve(""))
    kept: tuple[viewer.Picture, ...] = ()  # results of runs before, shown beside these
    pictures: dict[str, viewer.Picture] = field(default_factory=dict)
    scores: dict[str, dict[str, Score]] = field(default_factory=dict)
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    downloads: dict[str, Path] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    progress: Progress = field(default_factory=lambda: Progress("Waiting for the model"))

    def show_input(self, enlarged: Tensor) -> None:
        """The input after bicubic x4, (1, 3, 4H, 4W) sRGB in [0, 1]."""
        self.pictures["input"] = self._picture("input", self.folder.picture(enlarged, "input"), enlarged)

    def show_truth(self, truth: Tensor) -> None:
        """The ground truth at output size, (1, 3, H, W) sRGB in [0, 1]."""
        self.pictures["truth"] = self._picture("truth", self.folder.picture(truth, "truth"), truth)

    def take(self, event: events.Event) -> None:
        """Bring the state up to date with an event."""
        match event:
            case events.Prepared():
                self.recipe, self.prompts = event.recipe, event.prompts
                self.progress = Progress("Starting")
            case events.Retried():
                self.recipe, self.progress = event.recipe, Progress(event.note)
            case events.Scored():
                self.scores[event.which] = event.scores
                self.curve.finish(event.which, self.scores)
            case events.Stage():
                self._stage(event)
            case events.Image():
                self.seconds[event.which] = event.seconds
                path = self.folder.result(event.image, event.which, self.recipe)
                self.downloads[event.which] = path
                note = "unchanged, not computed again" if event.kept else ""
                self.pictures[event.which] = self._picture(event.which, path, event.image, note)
            case events.Finished():
                self.recipe, self.scores, self.seconds = event.recipe, event.scores, event.seconds
                self.downloads["recipe"] = self.folder.recipe(event.recipe)
                self.progress = Progress(f"Finished in {duration(sum(event.seconds.values()))}", 1.0, "", event.seconds)

    def viewer_value(self) -> dict[str, Any]:
        """The newest two pictures side by side; baseline against enhanced in the end."""
        pictures = self._shown()
        left = pictures[-2] if len(pictures) > 1 else pictures[0]
        return viewer.value(self.folder.id, [*pictures, *self.kept], left.name, pictures[-1].name)

    def results(self) -> tuple[viewer.Picture, ...]:
        """Both results, named so that they can stand beside those of another run."""
        host, run = host_info(self.recipe.host).label, self.folder.id
        return tuple(
            replace(p, name=f"{run}-{p.name}", label=f"{host} · {p.label}", alt=f"{p.alt}: {host}, an earlier run", note="kept")
            for p in self._shown()
            if p.name in ("baseline", "enhanced")
        )

    def export(self) -> Export:
        """The finished run with what is kept beside it."""
        return Export(self.folder, (*self.kept, *self._shown()), self.recipe)

    def history(self) -> dict[str, Any]:
        """The finished run for the browser's own list."""
        row, recipe = host_info(self.recipe.host), self.recipe
        title = f"{row.label}, {recipe.steps} step{'s' if recipe.steps > 1 else ''}, guidance {recipe.guidance_scale:g}, seed {recipe.seed}"
        scores = score_table.changes(self.scores)
        return history.entry(self.folder.id, self.downloads["enhanced"], recipe.to_json(), title, scores)

    def prompts_html(self) -> str:
        """The prompt cards of this run's recipe."""
        return prompt_view.render(self.prompts, prompt_view.identifiers(self.recipe))

    def _shown(self) -> list[viewer.Picture]:
        """The pictures there are, in the order of LABELS, with the live scores there are."""
        rows = {name: score_table.live_rows(self.scores, name) for name in LABELS}
        return [replace(self.pictures[name], scores=rows[name]) for name in LABELS if name in self.pictures]

    def _stage(self, event: events.Stage) -> None:
        self.seconds[event.stage] = event.seconds
        spent = sum(self.seconds.values())
        whole = spent + event.seconds_left if event.seconds_left is not None else None
        fraction = spent / whole if whole else 0.0
        text = message(event.stage, event.step, event.steps, event.seconds_left)
        self.progress = Progress(text, fraction, event.stage, dict(self.seconds))
        if event.stage != "cleaner" and event.share == 1:
            self.curve.take(event.stage, event.step, event.steps, event.preview, spent)
        bicubic = event.stage == "cleaner" and self.recipe.cleaner == "none"  # the input again
        if event.preview is not None and not bicubic:
            part = "" if event.share == 1 else f"-{event.share:.3f}"
            path = self.folder.picture(event.preview, f"preview-{event.stage}-{event.step}{part}")
            note = "" if event.stage == "cleaner" else f"step {event.step} of {event.steps}"
            note += "" if event.share == 1 else f", {event.share:.0%} of it"
            self.pictures[event.stage] = self._picture(event.stage, path, event.preview, note)

    def _picture(self, name: str, path: Path, image: Tensor, note: str = "") -> viewer.Picture:
        height_px, width_px = image.shape[-2:]
        return viewer.Picture(name, LABELS[name], ALTS[name], path, width_px, height_px, note)
