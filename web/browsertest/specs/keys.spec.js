// Making and revoking an API key, driven by the Go test console.TestAKeyInABrowser, with scripts and
// without.
import { test, expect, bothWays, wellMade } from "../helpers.js";

const signIn = (page, baseURL) => page.context().addCookies([{ name: "fairnotice_session", value: process.env.SESSION, url: baseURL }]);

bothWays("an administrator makes a key, notes it and revokes it", async ({ page, baseURL, allowErrors, javaScriptEnabled }) => {
  allowErrors(/status of 422/);
  const scripts = javaScriptEnabled !== false;
  const name = scripts ? "scripted pipeline" : "plain pipeline";
  await signIn(page, baseURL);
  await page.goto("/console/account");
  await page.getByRole("link", { name: "Your API keys" }).click();
  await page.getByRole("link", { name: "Make a key" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Editor", { exact: false }).check();
  await page.getByLabel("Networks").fill("nowhere");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByRole("link", { name: /“nowhere” is not a network/ })).toBeVisible();
  await page.getByLabel("Networks").fill("198.51.100.0/24\n2001:db8:1234:5678:9abc:def0:1234:5678");
  await page.getByRole("button", { name: "Make the key" }).click();

  await expect(page.getByText("This is shown only once.")).toBeVisible();
  const key = await page.getByLabel("API key").inputValue();
  expect(key).toMatch(/^fnk_[A-Za-z0-9_-]{43}$/);
  await expect(page.getByRole("region", { name: "Try it" })).toContainText(`Bearer ${key}`);
  await wellMade(page, { atLeast: 8 });
  const copy = page.getByRole("button", { name: "Copy" });
  if (scripts) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await copy.click();
    await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  } else {
    await expect(copy).toBeHidden();
  }

  await page.getByRole("link", { name: "I have noted it" }).click();
  expect(await page.content()).not.toContain(key);
  await wellMade(page, { atLeast: 8 });
  await page.getByRole("row", { name }).getByRole("link", { name: "Revoke" }).click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText(`${name} is revoked.`)).toBeVisible();
});

for (const path of ["/console/account/keys/new", "/console/account/keys?show=all", "/console/settings/keys", "/console/settings/keys?show=all&lang=de", process.env.EDIT, process.env.REVOKE]) {
  test(`${path} is well made`, async ({ page, baseURL }) => {
    await signIn(page, baseURL);
    await page.goto(path);
    await wellMade(page, { atLeast: 8 });
  });
}
