// Stands for https://js.paystack.co/v2/inline.js: `new PaystackPop().resumeTransaction(accessCode, callbacks)`.
// Styles are set through the CSSOM, so a page with `style-src 'self'` needs no exception.
(() => {
  const script = new URL(document.currentScript.src);
  let open = null;

  function style(element, rules) {
    for (const [name, value] of Object.entries(rules)) element.style.setProperty(name, value);
  }

  function build(accessCode) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Checkout");
    dialog.dataset.testid = "paystack-dialog";
    style(dialog, {
      width: "min(34rem, 100vw)",
      height: "min(52rem, 96vh)",
      padding: "0",
      border: "0",
      "border-radius": "0.75rem",
      overflow: "hidden",
    });
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    style(close, { position: "absolute", "inset-block-start": "0.5rem", "inset-inline-end": "0.75rem" });
    const frame = document.createElement("iframe");
    frame.title = "Sandbox checkout";
    frame.src = `${script.origin}/paystack/checkout/${encodeURIComponent(accessCode)}?inline=1`;
    style(frame, { width: "100%", height: "100%", border: "0" });
    // First, so that it has the focus and Escape is heard.
    dialog.append(close, frame);
    return { dialog, close, frame };
  }

  class Transaction {
    constructor(accessCode, callbacks) {
      this.accessCode = accessCode;
      this.callbacks = callbacks;
      this.hear = this.hear.bind(this);
      this.parts = build(accessCode);
      const { dialog, close, frame } = this.parts;
      frame.addEventListener("load", () => this.loaded(), { once: true });
      frame.addEventListener("error", () => this.end("onError", { message: "The checkout could not be loaded" }));
      close.addEventListener("click", () => this.end("onCancel"));
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        this.end("onCancel");
      });
      window.addEventListener("message", this.hear);
      document.body.append(dialog);
      dialog.showModal();
    }

    loaded() {
      this.callbacks.onLoad?.({ id: this.accessCode, customer: {}, accessCode: this.accessCode });
    }

    hear(event) {
      const said = event.data;
      const ours = event.origin === script.origin && event.source === this.parts.frame.contentWindow;
      if (!ours || said?.source !== "paystack-sandbox") return;
      if (said.outcome === "cancel") this.end("onCancel");
      else this.end("onSuccess", { id: said.id, reference: said.reference, message: "Approved" });
    }

    end(callback, ...facts) {
      if (open !== this) return;
      open = null;
      window.removeEventListener("message", this.hear);
      this.parts.dialog.close();
      this.parts.dialog.remove();
      if (callback) this.callbacks[callback]?.(...facts);
    }
  }

  window.PaystackPop = class PaystackPop {
    resumeTransaction(accessCode, callbacks = {}) {
      open?.end("onCancel");
      open = new Transaction(accessCode, callbacks);
      return open;
    }

    cancelTransaction() {
      open?.end("onCancel");
    }

    isLoaded() {
      return open !== null;
    }
  };
})();
