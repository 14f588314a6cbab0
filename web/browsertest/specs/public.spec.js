// The public pages, driven by the Go test public.TestPublicInABrowser.
import { test, expect, bothWays, axeClean, validateHtmlText, wellMade } from "../helpers.js";

const { ADDITION, WITHDRAWN, EMPTY_URL } = process.env;

const both = ["/", "/subprocessors/heroku", `/changes/${ADDITION}`];
const scripted = ["/?lang=de", "/?q=nobody+at+all", "/?on=2020-01-01", "/subprocessors/ueber-ltd?lang=de", "/changes", `/changes/${WITHDRAWN}?lang=de`];

for (const path of both) {
  bothWays(`well made: ${path}`, async ({ page }) => {
    await page.goto(path);
    await wellMade(page, { atLeast: 8 });
  });
}

for (const path of scripted) {
  test(`well made: ${path}`, async ({ page }) => {
    await page.goto(path);
    await wellMade(page, { atLeast: 8 });
  });
}

test("a reader narrows the list, and finds back", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Upcoming changes" })).toBeVisible();
  await expect(page.getByRole("status")).toHaveText("9 sub-processor engagements");
  await page.getByLabel("Search by name or purpose").fill("stripe");
  await page.getByLabel("As of").fill("22.11.2026");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.getByRole("status")).toHaveText("1 sub-processor engagement");
  await page.getByRole("link", { name: "Stripe" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Stripe");
  await page.getByRole("link", { name: "To the list of sub-processors" }).click();
  await expect(page.getByRole("status")).toHaveText("9 sub-processor engagements");
});

bothWays("a day that is none is told, and kept", async ({ page, allowErrors }) => {
  allowErrors(/status of 422/);
  await page.goto("/");
  await page.getByLabel("As of").fill("someday");
  const answer = page.waitForResponse((r) => r.url().includes("on=someday"));
  await page.getByRole("button", { name: "Show" }).click();
  const response = await answer;
  expect(response.status()).toBe(422);
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByLabel("As of")).toHaveValue("someday");
  await axeClean(page);
  await validateHtmlText(await response.text(), "the malformed day");
  await page.getByRole("link", { name: /is not a date/ }).click();
  await expect(page.getByLabel("As of")).toBeFocused();
});

test("a deadline shows the reader's own time", async ({ page }) => {
  await page.goto(`/changes/${ADDITION}`);
  await expect(page.getByText("Your time: 22 December 2026").first()).toBeVisible();
});

test("on paper the change has its dates, its address and no controls", async ({ page }) => {
  await page.goto(`/changes/${ADDITION}`);
  await page.emulateMedia({ media: "print" });
  await expect(page.getByText("Objections until")).toBeVisible();
  await expect(page.getByText(`/changes/${ADDITION}`).last()).toBeVisible();
  await expect(page.getByRole("navigation")).toHaveCount(0);
});

test("nothing set up", async ({ page }) => {
  const html = await (await page.request.get(EMPTY_URL)).text();
  await validateHtmlText(html, "the empty page");
  expect(html).toContain("No list here yet");
});
