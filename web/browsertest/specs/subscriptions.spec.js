// Subscribing a webhook and renewing its secret, driven by the Go test
// console.TestSubscribingAWebhookInABrowser, with scripts and without.
import { test, expect, bothWays, axeOnce, wellMade } from "../helpers.js";

const signIn = (page, baseURL) => page.context().addCookies([{ name: "fairnotice_session", value: process.env.SESSION, url: baseURL }]);
const secretOf = async (page) => {
  const secret = await page.getByLabel("Signing secret").inputValue();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  return secret;
};

bothWays("an editor subscribes a webhook and notes its secret", async ({ page, baseURL, javaScriptEnabled }) => {
  const scripts = javaScriptEnabled !== false;
  const host = scripts ? "scripts.bolt.example" : "plain.bolt.example";
  await signIn(page, baseURL);
  await page.goto(process.env.CUSTOMER + "/subscriptions/new");
  await page.getByLabel("Address").fill(`https://${host}/hook`);
  await page.getByLabel("How it came to be told").fill("by letter");
  await page.getByRole("button", { name: "Save the subscription" }).click();

  await expect(page.getByText("This is shown only once.")).toBeVisible();
  const first = await secretOf(page);
  await wellMade(page, { atLeast: 8 });
  const copy = page.getByRole("button", { name: "Copy" });
  if (scripts) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await copy.click();
    await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(first);
  } else {
    await expect(copy).toBeHidden();
  }

  await page.getByRole("link", { name: "I have noted it" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Subscription https://${host}/…`);
  expect(await page.content()).not.toContain("whsec_");
  await wellMade(page, { atLeast: 10 });
  await page.getByRole("link", { name: "New secret" }).click();
  await page.getByRole("button", { name: "New secret" }).click();
  expect(await secretOf(page)).not.toBe(first);
  await expect(page.getByText("The former secret signs beside it until")).toBeVisible();
  await axeOnce(page);

  await page.getByRole("link", { name: "I have noted it" }).click();
  await page.getByRole("link", { name: "End the former secret" }).click();
  await page.getByRole("button", { name: "End the former secret" }).click();
  await expect(page.getByText("has ended.")).toBeVisible();
});

for (const path of [process.env.CUSTOMER, `${process.env.CUSTOMER}/subscriptions/new`, process.env.SLACK, `${process.env.SLACK}/replace`, `${process.env.SLACK}?lang=de`]) {
  test(`${path} is well made`, async ({ page, baseURL }) => {
    await signIn(page, baseURL);
    await page.goto(path);
    await wellMade(page, { atLeast: 8 });
  });
}
