// What makes pages nicer where scripts run; every page works without. No library, nothing inline.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    source.select();
    let copied = true;
    try {
      await navigator.clipboard.writeText(source.value);
    } catch {
      // Refused in frames whose site does not grant it; the text is selected, and the older way may be open.
      copied = document.execCommand("copy");
    }
    tell(button, copied ? "Copied" : "Press Ctrl+C");
  });
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(shown));
  });
}

for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button[type=submit]");
  const text = button.textContent;
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault(); // a second click sends nothing twice
      return;
    }
    form.setAttribute("aria-busy", "true");
    button.textContent = form.dataset.busy;
  });
  window.addEventListener("pageshow", () => {
    form.removeAttribute("aria-busy");
    button.textContent = text;
  });
}

// To what went wrong, so that nobody has to look for it.
const fault = document.querySelector(".alert.bad");
if (fault) {
  fault.tabIndex = -1;
  fault.focus();
}

function tell(button, text) {
  const before = button.dataset.text ?? button.textContent;
  button.dataset.text = before;
  button.textContent = text;
  status().textContent = text;
  setTimeout(() => (button.textContent = before), 2000);
}

function status() {
  let found = document.getElementById("status");
  if (!found) {
    found = document.createElement("p");
    found.id = "status";
    found.className = "unseen";
    found.setAttribute("role", "status");
    document.getElementById("main").append(found);
  }
  return found;
}
