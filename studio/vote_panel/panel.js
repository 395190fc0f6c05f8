// props.value = {ballot: id, or null while there is nothing to answer}. Each ballot is answered once.

const buttons = [...element.querySelectorAll("button")];
const KEYS = { j: "left", k: "right", e: "tie", n: "both bad" };
let answered = null;

function open() {
  const ballot = props.value && props.value.ballot;
  return ballot && ballot !== answered ? ballot : null;
}

function draw() {
  buttons.forEach((button) => { button.disabled = !open(); });
}

function answer(given) {
  const ballot = open();
  if (!ballot) return;
  answered = ballot;
  draw();
  trigger('vote', { ballot, answer: given });
}

buttons.forEach((button) => button.addEventListener("click", () => answer(button.dataset.answer)));
function press(event) {
  if (!element.isConnected) return document.removeEventListener("keydown", press); // Gradio built the panel anew
  const given = KEYS[event.key.toLowerCase()];
  const typing = event.target.closest && event.target.closest("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]");
  if (!given || typing || event.ctrlKey || event.altKey || event.metaKey || !buttons[0].offsetParent) return;
  event.preventDefault();
  answer(given);
}
document.addEventListener("keydown", press);
watch("value", draw);
draw();
