// Comforts for every page. Nothing here is needed: each flow works without it.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The reader's own time beside a deadline of record, when their clocks differ at that instant.
  const ownTimes = (root) => {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const label = document.documentElement.dataset.ownTime;
    const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const write = (at, zone) => new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short", timeZone: zone }).format(at);
    for (const time of all("time[data-zone]", root)) {
      const at = new Date(time.dateTime);
      try {
        if (!label || time.dataset.told || write(at, time.dataset.zone) === write(at, mine)) continue;
      } catch { continue; } // a zone that this browser doesn't know
      time.dataset.told = "yes";
      const own = document.createElement("span");
      own.className = "own-time";
      own.textContent = label.replace("{time}", `${write(at, mine)} (${mine})`);
      time.after(" ", own);
    }
  };

  // A form is sent once. The button keeps its place, its name and the focus; its value is sent too.
  const guardForms = () => {
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (form.method !== "post") return;
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "yes";
      for (const b of all("button[type=submit]", form)) b.setAttribute("aria-disabled", "true");
    });
    // Coming back by the Back button must not find a dead form.
    window.addEventListener("pageshow", () => {
      for (const form of all("form[data-sent]")) {
        delete form.dataset.sent;
        for (const b of all("button[aria-disabled]", form)) b.removeAttribute("aria-disabled");
      }
    });
  };

  const copyLinks = (root) => {
    if (!navigator.clipboard) return;
    for (const button of all("button[data-copy], button[data-copy-field]", root)) {
      const name = button.textContent;
      button.hidden = false;
      button.addEventListener("click", async () => {
        try {
          const field = document.getElementById(button.dataset.copyField);
          await navigator.clipboard.writeText(field ? field.value : new URL(button.dataset.copy, location.href).href);
        } catch { return; } // what is to be copied stands beside the button
        button.textContent = button.dataset.copied;
        setTimeout(() => { button.textContent = name; }, 3000);
      });
    }
  };

  const enhance = (root) => { ownTimes(root); copyLinks(root); };
  document.querySelector("#errors")?.focus();
  guardForms();
  enhance(document);
  window.fairnotice = { enhance };
})();
