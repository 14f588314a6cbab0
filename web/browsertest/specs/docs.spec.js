// The API's documentation, driven by the Go test apiv1.TestTheDocsInABrowser.
import { test, expect, bothWays, axeClean, validateHtml, wellMade } from "../helpers.js";

bothWays("the overview is well made", async ({ page }) => {
  await page.goto("/docs");
  await wellMade(page, { atLeast: 20, atMost: 600 });
});

test("every page of operations is well made, all of it unfolded", async ({ page }) => {
  test.setTimeout(300_000);
  await page.goto("/docs?lang=de");
  await page.goto("/docs");
  const pages = await page.locator("#operations ~ h3 a").evaluateAll((links) => links.map((a) => a.href));
  expect(pages.length).toBeGreaterThan(1);
  for (const address of pages) {
    await page.goto(address);
    await validateHtml(page);
    await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
    await axeClean(page);
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
