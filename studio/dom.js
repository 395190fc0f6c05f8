// What the scripts of every component begin with.

// An element with its class and its text, which never becomes markup.
function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
