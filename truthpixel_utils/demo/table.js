// A table of answers: a click on a heading sorts its rows, another turns their order round.
const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;

function render({ model, el }) {
  function show() {
    el.innerHTML = model.get("value"); // every text in it was escaped where it was laid out
    el.querySelectorAll("th").forEach((heading, column) => {
      heading.tabIndex = 0;
      heading.style.cursor = "pointer";
      heading.title = "sort by this";
      heading.addEventListener("click", () => sort(heading, column));
      heading.addEventListener("keydown", (event) => event.key === "Enter" && sort(heading, column));
    });
  }

  function sort(heading, column) {
    const rows = [...el.querySelectorAll("tr")].filter((row) => row.querySelector("td"));
    const words = (row) => row.children[column].textContent.trim();
    const turn = heading.ariaSort === "ascending" ? -1 : 1;
    rows.sort((one, other) => turn * inOrder(words(one), words(other)));
    rows[0].parentNode.append(...rows);
    el.querySelectorAll("th").forEach((other) => (other.ariaSort = "none"));
    heading.ariaSort = turn === 1 ? "ascending" : "descending";
  }

  model.on("change:value", show);
  show();
}

export default { render };
