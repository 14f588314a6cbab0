// What every browser test of Fairnotice uses. Specs stand in specs/ and import from here:
//
//   import { test, expect, bothWays, axeClean, tabWalk, validateHtml } from "../helpers.js";
//
// `test` is Playwright's own with one more rule: a page that logs an error, throws, breaks its
// content security policy or asks another server for anything fails its test. Where an error is
// what the test wants to see, it says so first: allowErrors(/status of 422/).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test as base, expect } from "@playwright/test";
import { HtmlValidate } from "html-validate";

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 320, height: 800 };
const scripted = new WeakMap(); // context → whether its pages' scripts run
const SCHEMES = ["light", "dark"];
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const TAGS = [...WCAG, "best-practice"];

export { expect };

export const test = base.extend({
  // Origins beside baseURL that pages may ask: test.use({ friends: ["http://…"] }).
  friends: [[], { option: true }],
  allowErrors: async ({}, use) => {
    const allowed = [];
    await use(Object.assign((pattern) => allowed.push(pattern), { allowed }));
  },
  // watch looks over every page of a context, those that links open too.
  watch: async ({ baseURL, friends, allowErrors, javaScriptEnabled }, use) => {
    const troubles = [];
    const ours = [baseURL, ...friends].map((address) => new URL(address).origin);
    await use((context) => {
      scripted.set(context, javaScriptEnabled !== false);
      context.on("weberror", (error) => troubles.push(`threw ${error.error().message}`));
      context.on("console", (line) => {
        if (line.type() === "error") troubles.push(`logged ${line.text()} (${line.location().url})`);
      });
      context.on("request", (request) => {
        const url = new URL(request.url());
        if (url.protocol.startsWith("http") && !ours.includes(url.origin)) troubles.push(`asked ${url.origin}`);
      });
    });
    const left = troubles.filter((text) => !allowErrors.allowed.some((pattern) => pattern.test(text)));
    expect(left, "what went wrong in the page").toEqual([]);
  },
  page: async ({ page, watch }, use) => {
    watch(page.context());
    await use(page);
  },
  // person opens a page at another browser: somebody else, with cookies of their own.
  person: async ({ browser, watch }, use) => {
    const contexts = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      watch(context);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

// bothWays runs one test twice: with scripts, and without.
export function bothWays(title, body) {
  for (const on of [true, false]) {
    test.describe(on ? "with scripts" : "without scripts", () => {
      test.use({ javaScriptEnabled: on });
      test(title, body);
    });
  }
}

// axeClean: no violation of WCAG 2.2 AA or of good practice, light and dark, wide and narrow, and
// nothing that must be scrolled sideways on a narrow screen.
export async function axeClean(page) {
  const subject = await axeSubject(page);
  for (const viewport of [DESKTOP, PHONE]) {
    await subject.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      await subject.emulateMedia({ colorScheme });
      expect(await violations(subject), `${page.url()} ${viewport.width}px ${colorScheme}`).toEqual([]);
    }
    const width = await subject.evaluate(() => document.documentElement.scrollWidth);
    expect(width, `${page.url()}: width at ${viewport.width}px`).toBeLessThanOrEqual(viewport.width);
    expect(await clippedCards(subject), `${page.url()}: clipped at ${viewport.width}px`).toEqual([]);
  }
  await subject.emulateMedia({ colorScheme: "light" });
  await subject.setViewportSize(DESKTOP);
}

// axeOnce looks at the page only as it stands: for what axeClean has seen in another state.
export async function axeOnce(page) {
  const subject = await axeSubject(page);
  expect(await violations(subject), page.url()).toEqual([]);
}

// axeMessage looks at a message's HTML, which no script reaches where it stands in its frame. It is
// no page: it needs no landmarks.
export async function axeMessage(page, html) {
  const context = await page.context().browser().newContext({ javaScriptEnabled: true });
  const subject = await context.newPage();
  await subject.setContent(html);
  expect(await violations(subject, WCAG), "the message").toEqual([]);
  await context.close();
}

// A table drawn as cards must never need scrolling: its wrapper would hide what sticks out.
const clippedCards = (page) => page.evaluate(() => [...document.querySelectorAll(".scroll:has(> table.cards)")]
  .filter((e) => e.clientWidth < 640 && e.scrollWidth > e.clientWidth).map((e) => e.innerText.slice(0, 60)));

async function violations(page, rules = TAGS) {
  await page.evaluate(axeSource);
  return page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"], iframes: false });
    return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`));
  }, rules);
}

// Where scripts are off, axe's own timers stand still too. So axe looks at a twin: the same source
// at the same address, in a browser that runs scripts, but none of ours.
const twins = new WeakMap(); // context → the page in its twin, which ends with the test
async function axeSubject(page) {
  if (scripted.get(page.context()) !== false) return page;
  let twin = twins.get(page.context());
  if (!twin) {
    const context = await page.context().browser().newContext({ javaScriptEnabled: true });
    twin = await context.newPage();
    twins.set(page.context(), twin);
  }
  const html = await page.content();
  await twin.unrouteAll();
  await twin.route("**/*.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  await twin.route(page.url(), (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
  await twin.goto("about:blank"); // or else an address with another fragment would not be loaded
  await twin.goto(page.url());
  return twin;
}

// tabWalk presses Tab through the whole page. Every stop must be on the screen, with a visible
// outline of at least 3 px. It returns what was passed, in order.
export async function tabWalk(page, { atLeast = 1, atMost = 300 } = {}) {
  await page.evaluate(() => {
    document.activeElement?.blur();
    window.getSelection()?.removeAllRanges();
    window.scrollTo(0, 0);
  });
  const passed = [];
  for (let i = 0; i < atMost; i++) {
    await page.keyboard.press("Tab");
    const stop = await focused(page);
    if (!stop || (passed.length > 0 && stop.key === passed[0].key)) break;
    expect(stop.problem, `focus on ${stop.name}`).toBe("");
    passed.push(stop);
  }
  expect(passed.length, "stops of the Tab key").toBeGreaterThanOrEqual(atLeast);
  return passed.map((stop) => stop.name);
}

// focused describes where the focus is. Inside a frame with somebody's message the browser draws its
// own outline: there any will do.
async function focused(page) {
  const stop = await page.evaluate(describeFocus);
  if (!stop?.frame) return stop;
  const element = await page.evaluateHandle(() => document.activeElement);
  const inside = await (await element.contentFrame()).evaluate(describeFocus);
  if (!inside) return { ...stop, problem: "" };
  const problem = /^outline .* auto$/.test(inside.problem) ? "" : inside.problem;
  return { key: `${stop.key}/${inside.key}`, name: `${stop.name} ${inside.name}`, problem };
}

function describeFocus() {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  const name = `${e.localName}${e.id ? "#" + e.id : ""} "${(e.innerText || e.name || e.getAttribute("aria-label") || "").trim().slice(0, 40)}"`;
  let problem = "";
  if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth || !box.width || !box.height) {
    problem = "not on the screen";
  } else if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 3) {
    problem = `outline ${style.outlineWidth} ${style.outlineStyle}`;
  }
  const path = [];
  for (let n = e; n && n !== document.body; n = n.parentElement) {
    path.unshift([...n.parentElement.children].indexOf(n));
  }
  return { key: path.join("."), name, problem, frame: e.localName === "iframe" };
}

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  elements: ["html5"],
  rules: {
    "no-trailing-whitespace": "off", // Templates leave some; compression takes it.
    "no-redundant-role": "off", // Tables drawn as cards need their roles said.
    "require-sri": "off", // Everything comes from our own server.
    "long-title": "off",
    "valid-id": ["error", { relaxed: true }], // A field within a field has a dot in its name.
    "form-dup-name": ["error", { shared: ["radio", "checkbox", "submit", "button"] }],
    "no-implicit-input-type": "error",
  },
});

// validateHtml checks the page's source as the server sends it to a GET.
export async function validateHtml(page) {
  const answer = await page.request.get(page.url(), { headers: { Accept: "text/html" } });
  await validateHtmlText(await answer.text(), page.url());
}

// validateHtmlText checks any source, such as the answer to a POST.
export async function validateHtmlText(html, where = "") {
  const report = await validator.validateString(html);
  const found = report.results.flatMap((r) => r.messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
  expect(found, `html of ${where}`).toEqual([]);
}

// wellMade is all of it at once: what every page of every audience must pass.
export async function wellMade(page, options) {
  await axeClean(page);
  await tabWalk(page, options);
  await validateHtml(page);
}
