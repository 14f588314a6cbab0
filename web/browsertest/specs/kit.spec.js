// The kit's own pages, driven by the Go test web.TestKitInABrowser: everything that other pages
// are made of, in each layout.
import { test, expect, bothWays, axeClean, tabWalk, validateHtml, validateHtmlText, PHONE } from "../helpers.js";

for (const path of ["/", "/portal", "/console", "/?lang=de", "/console?lang=de"]) {
  bothWays(`everything there is, at ${path}`, async ({ page }) => {
    await page.goto(path);
    await axeClean(page);
    await tabWalk(page, { atLeast: 20 });
    await validateHtml(page);
  });
}

test("the skip link leads to the content", async ({ page }) => {
  await page.goto("/console");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});

bothWays("a form that failed leads with its errors and keeps what was typed", async ({ page, allowErrors }) => {
  allowErrors(/status of 422/);
  await page.goto("/console");
  await page.getByLabel("Legal name").fill("  ");
  await page.getByLabel("Effective date").fill("31.11.2026");
  await page.getByLabel("Switzerland").last().check();
  const answer = page.waitForResponse((r) => r.request().method() === "POST");
  await page.getByRole("button", { name: "Save" }).click();
  const response = await answer;
  expect(response.status()).toBe(422);
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.locator("#errors")).toBeFocused();
  await expect(page.getByLabel("Effective date")).toHaveValue("31.11.2026");
  await expect(page.getByLabel("Switzerland").last()).toBeChecked();
  await axeClean(page);
  await validateHtmlText(await response.text(), "the failed form");
  await page.getByRole("link", { name: "Effective date is not a date" }).click();
  await expect(page.getByLabel("Effective date")).toBeFocused();
  await page.getByLabel("Effective date").fill("24 December 2026");
  await page.getByLabel("Legal name").fill("Nordlicht");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Nordlicht was saved.")).toBeVisible();
});

test("a form is sent once, however often its button is pressed", async ({ page }) => {
  let posts = 0;
  page.on("request", (request) => { if (request.method() === "POST") posts++; });
  await page.goto("/portal");
  await page.getByLabel("Legal name").fill("Nordlicht");
  await page.route("**/portal", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  // Two presses in one breath, before the browser has left the page.
  await page.getByRole("button", { name: "Save" }).evaluate((b) => { b.click(); b.click(); });
  await expect(page.getByText("Nordlicht was saved.")).toBeVisible();
  expect(posts).toBe(1);
});

test("the reader's own time stands beside the deadline of record", async ({ page }) => {
  await page.goto("/");
  const deadline = page.locator("dl.facts");
  await expect(deadline).toContainText("23 December 2026, 00:00 (Europe/Berlin)");
  await expect(deadline).toContainText("Your time: 22 December 2026 at 18:00 (America/New_York)");
});

test.describe("in the deadline's own zone", () => {
  test.use({ timezoneId: "Europe/Paris" });
  test("the same clock is not told twice", async ({ page }) => {
    await page.goto("/");
    await expect(page.locator(".own-time")).toHaveCount(0);
  });
});

test("a moving part comes to rest by itself, and can be paused", async ({ page }) => {
  await page.goto("/console/changes/1");
  await page.getByRole("button", { name: "Pause updates" }).click();
  await page.request.post("/console/finish");
  await page.getByRole("button", { name: "Resume updates" }).click();
  await expect(page.locator("#counts")).not.toHaveAttribute("data-refresh", /./, { timeout: 15_000 });
  await expect(page.locator("#counts progress")).toHaveAttribute("value", "60");
  await expect(page.getByRole("button", { name: /updates/ })).toHaveCount(0);
});

test("below 40rem a table becomes cards and stays a table for who can't see it", async ({ page }) => {
  await page.setViewportSize(PHONE);
  await page.goto("/");
  const row = page.getByRole("row", { name: /Hartwell/ });
  await expect(row.getByRole("cell")).toHaveCount(4);
  const display = await row.evaluate((e) => getComputedStyle(e).display);
  expect(display).toBe("block");
});

for (const path of ["/nowhere", "/console/nowhere", "/fails/panic", "/console/admin"]) {
  test(`the error page at ${path}`, async ({ page, allowErrors }) => {
    allowErrors(/status of (404|500|403)/);
    await page.goto(path);
    await axeClean(page);
    await validateHtml(page);
  });
}
