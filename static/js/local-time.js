// <time class="moment" datetime data-local="clock|seconds|date|datetime|recent">: from UTC to the reader's own time.
const STYLES = {
  clock: { hour: "2-digit", minute: "2-digit" },
  seconds: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  date: { day: "numeric", month: "short", year: "numeric" },
  recent: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  datetime: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
};
const { lang } = document.documentElement;
const language = lang === "en" ? "en-GB" : lang || undefined; // day before month, as the server writes it
const formats = new Map();

function showTimes(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const style = element.dataset.local;
    if (!formats.has(style)) {
      formats.set(style, new Intl.DateTimeFormat(language, { ...STYLES[style], hourCycle: "h23" }));
    }
    element.title = element.textContent;
    element.textContent = formats.get(style).format(new Date(element.dateTime));
    delete element.dataset.local;
  }
}

// A sentence that names a time of today: "by 10:42 UTC".
function showSentences(root) {
  for (const element of root.querySelectorAll("[data-utc]")) {
    element.textContent = element.textContent.replace(/\b(\d\d):(\d\d)(?::(\d\d))? UTC\b/g, (words, hour, minute, second) => {
      const at = new Date();
      at.setUTCHours(Number(hour), Number(minute), Number(second ?? 0));
      return new Intl.DateTimeFormat(language, { ...STYLES[second ? "seconds" : "clock"], hourCycle: "h23" }).format(at);
    });
    delete element.dataset.utc;
  }
}

function showAll() {
  showTimes(document);
  showSentences(document);
}

showAll();
document.addEventListener("htmx:afterSwap", showAll);
