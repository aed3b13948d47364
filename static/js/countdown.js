// <time data-deadline data-now>: both are the server's; only the time since they arrived is measured here,
// so a wrong clock on this device changes nothing. At zero the element dispatches `countdown:done` once.
const started = new WeakMap();
const two = (number) => String(number).padStart(2, "0");

function tick() {
  for (const element of document.querySelectorAll("[data-deadline]")) {
    if (!started.has(element)) started.set(element, performance.now());
    const left = Date.parse(element.dataset.deadline) - Date.parse(element.dataset.now);
    const seconds = Math.max(0, Math.ceil((left - (performance.now() - started.get(element))) / 1000));
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const text = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
    if (element.textContent !== text) element.textContent = text;
    if (seconds === 0 && !element.dataset.done) {
      element.dataset.done = "yes";
      element.dispatchEvent(new CustomEvent("countdown:done", { bubbles: true }));
    }
  }
}

tick();
setInterval(tick, 500);
