// Inside a frame the page around it does not hear the Escape key, so it is told.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    window.parent.postMessage({ source: "paystack-sandbox", outcome: "cancel" }, "*");
  }
});
