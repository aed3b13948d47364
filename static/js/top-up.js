// The top-up form while somebody types: what the wallet will get, by the rate in the form's data-rate (six places).
// In integers, as the server counts: subunits of 1/100 by a rate of 1/1,000,000, down to 1/10,000 of the wallet's
// currency. The server's own figure is the one that counts.
const form = document.querySelector("[data-rate]");
const input = form.querySelector("[name=amount]");
const output = form.querySelector("[data-credit]");
const presets = [...form.querySelectorAll("[data-amount]")];
const { wallet, symbol, prompt } = form.dataset;
const rate = BigInt(form.dataset.rate.replace(".", ""));
const THOUSANDS = /\B(?=(\d{3})+$)/g;

// "5,000.50" as 500050n; null for what is no amount.
function subunits(text) {
  const plain = text.replace(/\s/g, "");
  if (!/^(\d{1,10}|\d{1,3}(,\d{3}){1,3})(\.\d{0,2})?$/.test(plain)) return null;
  const [units, cents = ""] = plain.replaceAll(",", "").split(".");
  return BigInt(units + cents.padEnd(2, "0"));
}

// Ten-thousandths as "3.27" or "3.2669".
function words(amount) {
  const digits = String(amount).padStart(5, "0");
  const units = digits.slice(0, -4).replace(THOUSANDS, ",");
  const places = digits.slice(-4).replace(/00$/, "");
  return symbol ? `${symbol}${units}.${places}` : `${units}.${places} ${wallet}`;
}

function show() {
  const typed = subunits(input.value);
  const credit = typed === null ? 0n : (typed * 100000000n) / rate;
  output.textContent = credit > 0n ? words(credit) : prompt;
  output.toggleAttribute("data-known", credit > 0n);
  for (const preset of presets) {
    const chosen = typed !== null && subunits(preset.dataset.amount) === typed;
    if (chosen) preset.setAttribute("aria-current", "true");
    else preset.removeAttribute("aria-current");
  }
}

for (const preset of presets) {
  preset.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    input.value = preset.dataset.amount;
    show();
  });
}
input.addEventListener("input", show);
window.addEventListener("pageshow", show); // the browser may have put back what was typed before
show();
