// The API's documentation, driven by the Go test apiv1.TestTheDocsInABrowser.
import { test, expect, axeClean, validateHtml, wellMade, DESKTOP, PHONE } from "../helpers.js";

test("the overview is well made", async ({ page }) => {
  await page.goto("/docs");
  await wellMade(page, { atLeast: 20, atMost: 600 });
});

const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

test("a page of operations is well made, all of it unfolded", async ({ page }) => {
  await page.goto("/docs/publisher");
  await wellMade(page, { atLeast: 20, atMost: 600 });
  await unfold(page);
  await axeClean(page);
});

// The pages differ in what they tell, not in how: each is checked for valid HTML, and measured narrow and wide.
test("every page of operations is valid and fits", async ({ page }) => {
  test.setTimeout(300_000);
  await page.goto("/docs");
  const pages = await page.locator("#operations ~ h3 a").evaluateAll((links) => links.map((a) => a.href));
  expect(pages.length).toBeGreaterThan(1);
  for (const address of pages) {
    await page.goto(address);
    await validateHtml(page);
    await unfold(page);
    for (const viewport of [DESKTOP, PHONE]) {
      await page.setViewportSize(viewport);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width, `${address}: width at ${viewport.width}px`).toBeLessThanOrEqual(viewport.width);
    }
    await page.setViewportSize(DESKTOP);
  }
});

test("a developer finds an operation, and its command", async ({ page }) => {
  await page.goto("/docs");
  await page.getByRole("link", { name: "PUT /api/v1/publisher" }).click();
  await expect(page.getByRole("heading", { name: "Change who the publisher is" })).toBeInViewport();
  await expect(page.getByText("curl -X PUT").first()).toBeVisible();
});

test("on paper nothing stays folded", async ({ page }) => {
  await page.goto("/docs/publisher");
  await page.emulateMedia({ media: "print" });
  const folded = await page.evaluate(() => [...document.querySelectorAll("details:not([open]) pre")]
    .filter((e) => e.getBoundingClientRect().height === 0).length);
  expect(folded).toBe(0);
});
