// Thumbnails of the bundled examples, and who made them. A press raises the event 'pick' with the example's index.

function make(tag, properties, ...children) {
  const found = Object.assign(document.createElement(tag), properties);
  found.append(...children);
  return found;
}

function thumbnail(example, index) {
  const button = make("button", { type: "button", title: example.title + " · " + example.author + " · " + example.licence },
    make("img", { src: example.file.url, alt: "", loading: "lazy" }),
    make("span", { className: "title", textContent: example.title }),
    make("span", { className: "licence", textContent: example.licence }));
  button.addEventListener("click", () => trigger('pick', { index }));
  return make("li", {}, button);
}

function source(example) {
  const licence = make("a", { href: example.licence_url, target: "_blank", rel: "noopener", textContent: example.licence });
  return make("li", {}, example.title + ": " + example.author + ", ", licence, ". From " + example.source + "; " + example.made + ".");
}

const examples = props.value || [];
element.querySelector(".strip").replaceChildren(...examples.map(thumbnail));
element.querySelector(".sources").replaceChildren(...examples.map(source));
