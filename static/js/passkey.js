// [data-passkey="show|add"]: asks the authenticator for a passkey, or to make one, and goes where the server says.
// It is hidden without scripts, and where it cannot work. The sentences are the page's own, in data attributes.
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (keys = []) => keys.map((key) => ({ ...key, id: decode(key.id) }));

// Browsers before 2025 read and write no JSON themselves.
function optionsToCreate(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  const user = { ...json.user, id: decode(json.user.id) };
  return { ...json, user, challenge: decode(json.challenge), excludeCredentials: named(json.excludeCredentials) };
}

function optionsToShow(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return { ...json, challenge: decode(json.challenge), allowCredentials: named(json.allowCredentials) };
}

function toJson(credential) {
  const { response } = credential;
  const written = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) written[name] = encode(response[name]);
  }
  if (response.getTransports) written.transports = response.getTransports();
  return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response: written };
}

class Refused extends Error {}

async function ask(box, url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": box.dataset.csrf },
    body: JSON.stringify(body),
  });
  const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
  const said = isJson ? await answer.json() : {};
  if (answer.ok && isJson && !answer.redirected) return said;
  if (said.confirm) location.assign(said.confirm);
  throw new Refused(said.detail ?? box.dataset.failed);
}

async function add(box) {
  const publicKey = optionsToCreate(await ask(box, box.dataset.options, {}));
  const credential = await navigator.credentials.create({ publicKey });
  const name = box.querySelector("[name=name]").value;
  return ask(box, box.dataset.verify, { credential: toJson(credential), name });
}

async function show(box) {
  const publicKey = optionsToShow(await ask(box, box.dataset.options, {}));
  const credential = await navigator.credentials.get({ publicKey });
  const isTicked = (name) => document.querySelector(`input[type=checkbox][name=${name}]`)?.checked ?? false;
  return ask(box, box.dataset.verify, {
    credential: toJson(credential),
    next: box.dataset.next,
    remember: isTicked("remember"),
    trust: isTicked("trust"),
  });
}

function sentence(box, error) {
  if (error instanceof Refused) return error.message;
  if (error.name === "NotAllowedError" || error.name === "AbortError") return box.dataset.cancelled;
  if (error.name === "InvalidStateError") return box.dataset.exists ?? box.dataset.failed;
  return box.dataset.failed;
}

async function run(box) {
  const button = box.querySelector("button");
  const trouble = box.querySelector("[role=alert]");
  trouble.textContent = "";
  button.setAttribute("aria-disabled", "true");
  try {
    location.assign((await (box.dataset.passkey === "add" ? add : show)(box)).next);
  } catch (error) {
    trouble.textContent = sentence(box, error);
    button.removeAttribute("aria-disabled");
  }
}

document.querySelector("[data-passkey-scriptless]")?.remove(); // older browsers' styles do not know that scripts run
for (const box of document.querySelectorAll("[data-passkey]")) {
  const works = window.PublicKeyCredential && location.origin === box.dataset.origin;
  const instead = document.querySelector(window.PublicKeyCredential ? "[data-passkey-elsewhere]" : "[data-passkey-missing]");
  box.hidden = !works;
  if (!works && instead) instead.hidden = false;
  box.addEventListener(box.matches("form") ? "submit" : "click", (event) => {
    const button = box.querySelector("button");
    if (!box.matches("form") && !button.contains(event.target)) return;
    event.preventDefault();
    if (button.getAttribute("aria-disabled") !== "true") run(box);
  });
}

// Coming back by the browser's button shows the page as it was left: with a button that waits for nothing.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-passkey] button")) button.removeAttribute("aria-disabled");
});
