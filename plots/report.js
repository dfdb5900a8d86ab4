"use strict";
// Every table head becomes a row of buttons; without this script the tables are just not sortable.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      const key = row => {
        const cell = row.cells[column];
        return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
      };
      // Numbers come before words, whichever the direction.
      const compare = (a, b) => {
        const x = key(a), y = key(b), order = ascending ? 1 : -1;
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
        return order * (typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true }));
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    });
  });
}
