"""Presets, and recipes brought back from a file, a link or this browser's history: layout and events of that part of the Compare tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.presets import PRESETS, Name, applied, preset_of, told
from rapsr_core.recipe import Recipe, RecipeError
from studio import forms, help_text, history, host_view, restoring
from studio.engine import Engine
from studio.event_options import QUICK, REFUSABLE

ADDRESS_JS = "() => window.location.hash"
COPY_JS = """(part) => {
  const link = window.location.origin + window.location.pathname + window.location.search + "#" + part;
  window.history.replaceState(null, "", "#" + part);
  navigator.clipboard?.writeText(link).catch(() => {}); // not allowed: the link stands in the box
  return link;
}"""


@dataclass(frozen=True)
class RestoreParts:
    """Components of this part, and those of the tab that a recipe changes."""

    controls: Mapping[str, gr.components.Component]
    host_facts: gr.HTML
    status: gr.HTML
    preset: gr.Radio
    reset: gr.Button
    file: gr.File
    copy: gr.Button
    link: gr.Textbox
    history: gr.HTML

    def outputs(self) -> list[Any]:
        """What a recipe changes."""
        return [*self.controls.values(), self.host_facts, self.preset, self.status]


def preset(host: str) -> gr.Radio:
    """The Radio of presets; its help says what each changes in this host."""
    return gr.Radio(
        [(row.label, row.name) for row in PRESETS.values()], value="balanced", label="Preset", info=told(host), elem_id="preset"
    )


def pane() -> dict[str, Any]:
    """The rest of the components: reset, restore, link, history."""
    with gr.Row(elem_id="recipe-buttons"):
        reset = gr.Button("Reset to defaults", size="sm", elem_id="reset")
        copy = gr.Button("Copy link", size="sm", elem_id="copy-link")
    link = gr.Textbox(
        label="Link to these settings", info="Opens the page with every control as it is here. No photograph is in it.",
        interactive=False, visible=False, elem_id="link",
    )  # fmt: skip
    file = gr.File(label="Restore from a PNG or recipe file", file_types=[".png", ".json"], height=124, elem_id="restore")
    help_text.beside("restore", "A PNG downloaded here, or its Recipe JSON: every control goes back to what made it.")
    return {"reset": reset, "copy": copy, "link": link, "file": file, "history": history.component()}


@dataclass(frozen=True)
class RestoreHandlers:
    """Functions of the events. The values of the controls arrive in the order of `parts.controls`."""

    parts: RestoreParts
    engine: Engine

    def host(self, name: str) -> dict[Any, Any]:
        """Another host was chosen: its defaults, its own settings, its facts."""
        changes = {self.parts.controls[path]: gr.update(**given) for path, given in forms.of_host(name).items()}
        return changes | {
            self.parts.host_facts: host_view.render(name),
            self.parts.preset: gr.update(value="balanced", info=told(name)),
        }

    def reset(self) -> dict[Any, Any]:
        """Everything as on a new page."""
        return self.show(recipe_from_json({}))

    def show(self, recipe: Recipe, told_about: str = "") -> dict[Any, Any]:
        """Every control as in a recipe."""
        changes = {self.parts.controls[path]: gr.update(**given) for path, given in forms.of_recipe(recipe).items()}
        return changes | {
            self.parts.host_facts: host_view.render(recipe.host),
            self.parts.preset: gr.update(value=preset_of(recipe), info=told(recipe.host)),
            self.parts.status: told_about + restoring.pinned(recipe) if told_about else gr.skip(),
        }

    def file(self, path: str) -> dict[Any, Any]:
        """A file was dropped: its recipe into the controls."""
        files = self.engine.parts.recipe_files
        try:
            return self.show(files.read_recipe(path), "Every control is as in the file.") | {self.parts.file: None}
        except files.KNOWN as error:
            raise gr.Error(str(error)) from error

    def opened(self, fragment: str) -> dict[Any, Any]:
        """The page was opened: a recipe in its address goes into the controls; a damaged one is told of and changes nothing."""
        try:
            recipe = restoring.of_fragment(fragment)
        except RecipeError as error:
            return {self.parts.status: restoring.problem(str(error))}
        return {self.parts.status: gr.skip()} if recipe is None else self.show(recipe, "Every control is as in the link.")

    def past(self, event: gr.EventData) -> dict[Any, Any]:
        """A run of the history was pressed. The browser kept it, so it is checked like any other file."""
        try:
            return self.show(restoring.restorable(event.recipe), "Every control is as in that run.")
        except RecipeError as error:
            raise gr.Error(str(error)) from error

    def link(self, *args: Any) -> Any:
        """The controls as the fragment of a link; the browser puts its own address before it."""
        try:
            return gr.Textbox(restoring.fragment(forms.recipe_of(self._values(args))), visible=True)
        except RecipeError as error:
            raise gr.Error(str(error)) from error

    def choose(self, name: Name, *args: Any) -> dict[Any, Any]:
        """A preset was chosen."""
        values = self._values(args)
        default = recipe_from_json({"host": values["host"]})
        changed = forms.values_of(applied(name, default))
        paths = ("steps", "guidance_scale", *(c.path for c in forms.HOST_SETTINGS if forms.belongs(c, default.host)))
        return {self.parts.controls[path]: changed[path] for path in paths}

    def edited(self, *args: Any) -> str | None:
        """A control that presets set was moved by hand."""
        values = self._values(args)
        try:
            return preset_of(
                forms.recipe_of({**forms.values_of(recipe_from_json({"host": values["host"]})), **_preset_part(values)})
            )
        except RecipeError:  # told of at Compare
            return None

    def _values(self, args: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.parts.controls, args, strict=True))


def _preset_part(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        path: value for path, value in values.items() if path in ("steps", "guidance_scale") or path.startswith("host_settings.")
    }


def wire(parts: RestoreParts, do: RestoreHandlers, page: gr.Blocks) -> None:
    """Connect everything. `page`: whose opening reads the address."""
    boxes, outputs = list(parts.controls.values()), parts.outputs()
    parts.controls["host"].input(do.host, parts.controls["host"], outputs, **QUICK)
    parts.reset.click(do.reset, None, outputs, **QUICK)
    parts.preset.input(do.choose, [parts.preset, *boxes], boxes, **QUICK)
    gr.on(
        [box.input for path, box in parts.controls.items() if path in _preset_part(parts.controls)],
        do.edited, boxes, parts.preset, trigger_mode="always_last", **QUICK,
    )  # fmt: skip
    parts.file.upload(do.file, parts.file, [*outputs, parts.file], **REFUSABLE)
    parts.history.pick(do.past, None, outputs, **REFUSABLE)
    copied = parts.copy.click(do.link, boxes, parts.link, **REFUSABLE)
    copied.success(None, parts.link, parts.link, js=COPY_JS, **QUICK)
    refinement = parts.controls["enhanced.refinement"]  # the shelf may have more than when the page was built
    page.load(lambda: gr.Dropdown(choices=list(forms.refinements())), None, refinement, **QUICK)
    page.load(do.opened, parts.link, outputs, js=ADDRESS_JS, **QUICK)
