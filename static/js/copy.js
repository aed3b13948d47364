// <button data-copy="text" data-copied="Copied">: copies, says so on the button and to screen readers.
const timers = new WeakMap();

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // plain HTTP has no clipboard interface
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "sr";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.querySelector("[data-label]") ?? button;
  let words = button.dataset.copied;
  try {
    await copy(button.dataset.copy);
    button.dataset.state = "done";
  } catch {
    words = button.dataset.failed;
  }
  button.dataset.words ??= label.textContent;
  label.textContent = words;
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
  clearTimeout(timers.get(button));
  timers.set(button, setTimeout(() => {
    label.textContent = button.dataset.words;
    delete button.dataset.state;
  }, 2000));
});
