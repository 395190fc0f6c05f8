// The last finished runs of this browser. A press raises the event 'pick' with that run's recipe. All text by textContent.

const KEY = "rapsr-studio-history", MOST = 20;
const list = element.querySelector(".runs"), clear = element.querySelector(".clear");

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(found) ? found.filter((run) => run && run.recipe && run.scores) : [];
  } catch {
    return []; // storage is blocked, or holds something else
  }
}

function keep(runs) {
  while (runs.length) {
    try {
      localStorage.setItem(KEY, JSON.stringify(runs));
      return;
    } catch {
      runs = runs.slice(0, -1); // full: the oldest goes
    }
  }
}

function row(run) {
  const button = make("button", "", "");
  button.type = "button";
  const picture = make("img", "", "");
  picture.alt = "";
  picture.src = String(run.thumbnail).startsWith("data:image/jpeg;base64,") ? run.thumbnail : "";
  const scores = Object.entries(run.scores).map(([label, text]) => label + " " + text).join(", ");
  button.append(picture, make("span", "title", run.title), make("span", "time", new Date(run.time).toLocaleString()), make("span", "scores-line", scores));
  button.addEventListener("click", () => trigger('pick', { recipe: run.recipe }));
  const item = make("li", "", "");
  item.append(button);
  return item;
}

function show() {
  const runs = kept();
  element.querySelector(".count").textContent = runs.length;
  list.replaceChildren(...runs.map(row));
  clear.hidden = !runs.length;
}

function take() {
  const run = props.value, runs = kept();
  if (run && run.run && !runs.some((other) => other.run === run.run)) keep([{ ...run, time: Date.now() }, ...runs].slice(0, MOST));
  show();
}

clear.addEventListener("click", () => {
  localStorage.removeItem(KEY);
  show();
});
watch("value", take);
take();
