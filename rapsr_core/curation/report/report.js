// A nicety: the comparison sorts by a click on its heads. Without JavaScript the heads are plain text.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, i) => parseFloat(row.cells[i].textContent.replace("−", "-").replaceAll(",", ""));
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.ariaSort !== "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.ariaSort = down ? "descending" : "ascending";
      const number = head.classList.contains("n");
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const order = number ? (value(a, i) || 0) - (value(b, i) || 0) : a.cells[i].textContent.localeCompare(b.cells[i].textContent);
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
