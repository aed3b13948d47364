// Pays without leaving the page: the form is sent by fetch, and Paystack's script shows the transaction that our
// server has opened. Whatever goes wrong on the way ends at the plain form or at the plain redirect: the form's key
// makes sending it twice one payment. What Paystack's script says decides nothing; it only leads to our own page.
const form = document.querySelector("[data-inline]");
const button = form.querySelector("[type=submit]");
const LOAD_MS = 4000;
const OPEN_MS = 8000;
let script = null;

// Asked for when somebody begins to fill in the form, so that who only looks is not seen by a third party.
function load() {
  script ??= new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = form.dataset.inline;
    element.async = true;
    element.onload = resolve;
    element.onerror = reject;
    document.head.append(element);
  });
  script.catch(() => {});
  return script;
}

function within(promise, milliseconds) {
  const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), milliseconds); });
  return Promise.race([promise, late]);
}

async function begin() {
  const response = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new FormData(form),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

// Shows the checkout over the page; resolves when it is visible.
function open(payment) {
  return new Promise((resolve, reject) => {
    new window.PaystackPop().resumeTransaction(payment.access_code, {
      onLoad: resolve,
      onSuccess: () => location.assign(payment.return_url),
      onCancel: () => location.assign(payment.return_url),
      onError: reject,
    });
  });
}

function busy(is) {
  button.setAttribute("aria-disabled", String(is));
  form.toggleAttribute("aria-busy", is);
}

async function pay() {
  let payment = null;
  try {
    payment = await begin();
  } catch {
    form.submit(); // the server says what is wrong on the page itself
    return;
  }
  if (!payment.access_code) {
    location.assign(payment.deposit_url);
    return;
  }
  try {
    await within(load(), LOAD_MS);
    await within(open(payment), OPEN_MS);
  } catch {
    location.assign(payment.authorization_url || payment.deposit_url);
  }
}

form.addEventListener("focusin", load, { once: true });
form.addEventListener("pointerdown", load, { once: true });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  busy(true);
  load();
  pay();
});
window.addEventListener("pageshow", () => busy(false));
