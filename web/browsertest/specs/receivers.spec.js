// The demo's receivers of webhooks and Slack messages, driven by the Go test
// TestReceiversInABrowser: what they show, empty and full, of good and of bad, and the one form.
import { test, expect, bothWays, wellMade, axeOnce, validateHtmlText } from "../helpers.js";

const { EMPTY, SECRET } = process.env;

test.use({ friends: [EMPTY] });

bothWays("nothing has arrived", async ({ page }) => {
  for (const path of ["/webhooks", "/slack"]) {
    await page.goto(EMPTY + path);
    await expect(page.getByText("Nothing has arrived yet.")).toBeVisible();
    await wellMade(page);
  }
});

bothWays("webhooks, each with its verdict", async ({ page }) => {
  await page.goto("/webhooks");
  await wellMade(page);
  for (const [verdict, told] of [["verified", "Verified with"], ["repeat", "a repeat, recognised and dropped"], ["refused", "no signature fits"]]) {
    await page.goto("/webhooks");
    await page.getByRole("row").filter({ hasText: verdict }).first().getByRole("link").click();
    await expect(page.getByText(told)).toBeVisible();
    await wellMade(page);
  }
  await page.goto("/webhooks?q=nowhere");
  await expect(page.getByText("No arrival has “nowhere”")).toBeVisible();
  await wellMade(page);
});

bothWays("a secret is entered", async ({ page, allowErrors }) => {
  allowErrors(/status of 422/);
  await page.goto("/webhooks");
  await page.getByLabel("Name of the endpoint").fill("mine");
  await page.getByLabel("Secret", { exact: true }).fill("hunter2");
  const posted = page.waitForResponse((r) => r.request().method() === "POST");
  await page.getByRole("button", { name: "Take the secret" }).click();
  const answer = await posted;
  expect(answer.status()).toBe(422);
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByRole("alert")).toContainText("a secret begins with whsec_");
  await expect(page.getByLabel("Name of the endpoint")).toHaveValue("mine");
  await validateHtmlText(await answer.text(), page.url());
  await axeOnce(page);
  await page.getByLabel("Secret", { exact: true }).fill(SECRET);
  await page.getByRole("button", { name: "Take the secret" }).click();
  await expect(page.getByText("The endpoint mine verifies with the new secret")).toBeVisible();
  await expect(page.getByRole("row", { name: /hooks\/mine/ })).toBeVisible();
  await wellMade(page);
});

bothWays("Slack messages, drawn or refused", async ({ page }) => {
  await page.goto("/slack");
  await expect(page.getByRole("article").filter({ hasText: "Refused with 400: invalid_blocks" })).toBeVisible();
  await wellMade(page);
  const drawn = page.getByRole("article").filter({ hasText: "T0KUNDE00/B0PRIVACY" });
  await expect(drawn.locator("strong", { hasText: "What changes" })).toBeVisible();
  await expect(drawn.getByRole("link", { name: "Open" })).toHaveAttribute("href", "https://a.example/open");
  await drawn.getByRole("link", { name: "What was posted" }).click();
  await expect(page.locator("pre")).toContainText('"divider"');
  await wellMade(page);
});
