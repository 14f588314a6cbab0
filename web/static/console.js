// Comforts for the console: parts of a page that keep themselves up to date.
//
//   <section id="progress" data-refresh="/console/…/progress">   fetched every 3 s
//     data-refresh-seconds="10"        another pace
//     data-refresh-until=".is-done"    stop when the part holds such an element
//     data-refresh-events="/…/events"  fetch when this event stream says so, instead of by the clock
//
// The answer holds an element with the same id (a fragment or a whole page). A part that comes back
// without data-refresh has come to rest.
(() => {
  "use strict";
  const paused = new Set();
  const running = new Map(); // id → how to stop

  const done = (part) => !part.dataset.refresh ||
    (part.dataset.refreshUntil && part.querySelector(part.dataset.refreshUntil) !== null);

  // Whoever stands on a link inside the part must not be thrown back to the top.
  const replace = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    window.fairnotice?.enhance(fresh);
  };

  const refresh = async (id) => {
    const part = document.getElementById(id);
    if (!part || paused.has(id) || document.hidden) return;
    if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return;
    let answer;
    try {
      answer = await fetch(part.dataset.refresh, { headers: { Accept: "text/html" }, redirect: "error" });
    } catch { return; } // the network will be back, and so shall we
    if (!answer.ok) {
      if (answer.status < 500) stop(id);
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
    const current = document.getElementById(id);
    if (!fresh || !current || paused.has(id)) return;
    if (fresh.outerHTML !== part.outerHTML) replace(current, document.adoptNode(fresh));
    const now = document.getElementById(id);
    if (now && done(now)) stop(id);
  };

  const stop = (id) => {
    running.get(id)?.();
    running.delete(id);
    for (const b of document.querySelectorAll(`[data-refresh-toggle="${CSS.escape(id)}"]`)) b.hidden = true;
  };

  const byClock = (id, seconds) => {
    let timer = 0;
    let stopped = false;
    const tick = async () => {
      await refresh(id);
      if (!stopped) timer = setTimeout(tick, seconds * 1000);
    };
    timer = setTimeout(tick, seconds * 1000);
    return () => { stopped = true; clearTimeout(timer); };
  };

  const byEvents = (id, url, seconds) => {
    const source = new EventSource(url);
    let fallback = null;
    source.onmessage = () => refresh(id);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) fallback ??= byClock(id, seconds);
    };
    return () => { source.close(); fallback?.(); };
  };

  const start = (part) => {
    if (!part.id || done(part)) return;
    const seconds = Math.max(1, Number(part.dataset.refreshSeconds) || 3);
    const events = part.dataset.refreshEvents;
    running.set(part.id, events ? byEvents(part.id, events, seconds) : byClock(part.id, seconds));
  };

  // What moves by itself can be made to stand still (WCAG 2.2.2).
  const toggles = () => {
    for (const button of document.querySelectorAll("[data-refresh-toggle]")) {
      const id = button.dataset.refreshToggle;
      const pause = button.textContent;
      if (!running.has(id)) continue;
      button.hidden = false;
      button.addEventListener("click", () => {
        const still = !paused.has(id);
        if (still) paused.add(id); else paused.delete(id);
        button.textContent = still ? button.dataset.resume : pause;
        if (!still) refresh(id);
      });
    }
  };

  for (const part of document.querySelectorAll("[data-refresh]")) start(part);
  toggles();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) for (const id of running.keys()) refresh(id);
  });
})();
