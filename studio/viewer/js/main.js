// A new value arrives: the choice made by hand is kept within a run, the view as long as the size is the same.

function update() {
  const value = props.value;
  const before = state.images.length ? frame() : null;
  state.images = value ? value.images : [];
  viewer.classList.toggle("empty", !state.images.length);
  viewer.classList.toggle("alone", alone());
  if (!state.images.length) return;
  const size = frame();
  if (value.run !== state.run) Object.assign(state, { run: value.run, chosen: {} });
  if (!before || before.width_px !== size.width_px || before.height_px !== size.height_px) {
    Object.assign(state, { zoom: null, centre: { x: 0.5, y: 0.5 }, point: null, pointed: false });
  }
  state.mode = alone() ? "slider" : state.wanted;
  forget();
  show();
}

new ResizeObserver(() => layout()).observe(stage);
watch("value", update);
update();
