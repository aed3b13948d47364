// One live region for the whole page, which no swap replaces: screen readers hear what changed.
// Anything may say something by dispatching `announce` with the words as detail; a fragment that
// htmx brings speaks through its [data-announce] text when that text differs from the last one.
const region = document.getElementById("announcer");
let last = document.querySelector("[data-announce]")?.dataset.announce ?? "";

function announce(words) {
  if (!region || !words) return;
  region.textContent = "";
  setTimeout(() => { region.textContent = words; }, 50);
}

document.addEventListener("announce", (event) => announce(event.detail));
document.addEventListener("htmx:afterSettle", () => {
  const words = document.querySelector("[data-announce]")?.dataset.announce ?? "";
  if (words && words !== last) announce(words);
  last = words;
});
