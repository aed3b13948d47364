// <input data-filter="tbody id">: hides the rows whose data-words hold none of the letters typed.
for (const input of document.querySelectorAll("[data-filter]")) {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const rows = [...document.getElementById(input.dataset.filter).querySelectorAll("[data-words]")];
  const none = document.getElementById(`${input.dataset.filter}-none`);
  input.addEventListener("input", () => {
    const words = plain(input.value.trim());
    let shown = 0;
    for (const row of rows) {
      row.hidden = !plain(row.dataset.words).includes(words);
      if (!row.hidden) shown += 1;
    }
    if (none) none.hidden = shown > 0;
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = rows.find((row) => !row.hidden)?.querySelector("a");
    if (input.value.trim() && first) first.click();
  });
}
