// Follows /events/stream. An element with data-live="<id>" of a verification, deposit or refund (or "any") is
// refreshed by its own hx-get when an event about it arrives. Without the stream it is refreshed slowly; when
// nothing on the page is live any more, the stream is closed. An element that also has data-watch waits for
// something that not every change of is an event, so it is refreshed now and then even with the stream.
const STREAM = "/events/stream";
const TYPES = [
  ...["waiting", "received", "completed", "cancelled", "expired", "failed"].map((type) => `verification.${type}`),
  "deposit.succeeded",
  "deposit.failed",
  "refund.processed",
];
const SUBJECTS = ["verification", "deposit", "refund"];
const SLOW_MS = 5000;
const WATCH_MS = 15000;
const RETRY_MS = 15000;
const AGAIN_MS = 2000;
let source = null;
let slow = null;
let retry = null;
let again = null;
let watch = null;
let shown = state();

const alive = () => [...document.querySelectorAll("[data-live]")];

function refresh(elements = alive()) {
  for (const element of elements) {
    if (window.htmx) window.htmx.trigger(element, "refresh");
    else location.reload();
  }
}

function heard(event) {
  let data = {};
  try {
    data = JSON.parse(event.data);
  } catch {
    // An event we cannot read still means that something has changed.
  }
  const fact = data.data ?? data;
  const ids = SUBJECTS.map((subject) => fact[subject]).filter(Boolean);
  refresh(alive().filter(({ dataset }) => !ids.length || dataset.live === "any" || ids.includes(dataset.live)));
}

function look() {
  if (!document.hidden && source) refresh(alive().filter(({ dataset }) => "watch" in dataset));
}

function crawl() {
  slow ??= setInterval(() => { if (!document.hidden) refresh(); }, SLOW_MS);
}

// A refresh that failed is asked for again, or the news it should have brought would never show.
function missed() {
  again ??= setTimeout(() => { again = null; refresh(); }, AGAIN_MS);
}

function stop() {
  source?.close();
  clearInterval(slow);
  clearTimeout(retry);
  clearTimeout(again);
  clearInterval(watch);
  source = slow = retry = again = watch = null;
}

function listen() {
  stop();
  if (!alive().length) return;
  if (!window.EventSource) return crawl();
  source = new EventSource(STREAM);
  watch = setInterval(look, WATCH_MS);
  source.onopen = () => {
    clearInterval(slow);
    slow = null;
    refresh(); // what happened between the drawing of the page and now
  };
  source.onerror = () => {
    crawl();
    if (source?.readyState === EventSource.CLOSED) retry ??= setTimeout(listen, RETRY_MS);
  };
  for (const type of TYPES) source.addEventListener(type, heard);
  source.onmessage = heard;
}

// What the page says now; a change of it, and only that, is worth a movement.
function state() {
  const { status, title } = document.querySelector("[data-title]")?.dataset ?? {};
  return `${status} ${title}`;
}

document.addEventListener("htmx:afterSwap", () => {
  const live = document.querySelector("[data-title]");
  if (live && state() !== shown) live.dataset.fresh = "";
  shown = state();
});
document.addEventListener("htmx:afterSettle", () => {
  const title = document.querySelector("[data-title]")?.dataset.title;
  if (title) document.title = title;
  if (!alive().length) stop();
});
document.addEventListener("htmx:sendError", missed);
document.addEventListener("htmx:responseError", missed);
document.addEventListener("htmx:timeout", missed);
document.addEventListener("countdown:done", () => setTimeout(() => refresh(), 1500));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });
window.addEventListener("pagehide", stop);
listen();
