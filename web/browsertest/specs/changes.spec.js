// The product's main job, driven by the Go test console.TestAnnouncingInABrowser: an approver reads
// what will happen, sends, and watches the deliveries, with scripts and without.
import { test, expect, bothWays, axeClean, wellMade, validateHtml } from "../helpers.js";

const signIn = (page, baseURL) => page.context().addCookies([{ name: "fairnotice_session", value: process.env.SESSION, url: baseURL }]);

bothWays("an approver announces a change and sees its deliveries end", async ({ page, baseURL, javaScriptEnabled }) => {
  const reference = javaScriptEnabled === false ? "SP-2026-002" : "SP-2026-001";
  await signIn(page, baseURL);
  await page.goto("/console");
  await page.getByRole("link", { name: `Announce ${reference}` }).click();
  await wellMade(page, { atLeast: 15 });
  await page.getByRole("link", { name: "Announce …" }).click();
  await expect(page.getByText("Send notice to 2 recipients at 2 customers and to 1 follower.")).toBeVisible();
  await expect(page.getByText("1 customer can’t be reached: Cipher SA.")).toBeVisible();
  await wellMade(page, { atLeast: 10 });
  await page.getByRole("button", { name: "Send notice to 3 recipients" }).click();
  await expect(page.getByText(`${reference} is announced.`)).toBeVisible();

  const ended = page.getByText("3 of 3 finished");
  await expect(async () => {
    if (javaScriptEnabled === false) await page.getByRole("link", { name: "Refresh" }).click();
    await expect(ended).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 40_000 });
  await wellMade(page, { atLeast: 20 });

  await page.getByRole("link", { name: "1 failed" }).click();
  await wellMade(page, { atLeast: 10 });
  await page.getByRole("link", { name: "legal@bolt.example" }).click();
  await expect(page.getByText("Failed for good: the receiving side refused it.", { exact: false })).toBeVisible();
  await expect(page.frameLocator("iframe.mail").getByRole("heading", { level: 1 })).toContainText(`Advance notice ${reference}`);
  await axeClean(page);
  await validateHtml(page);
});

for (const path of ["/console", "/console?lang=de", "/console/changes", "/console/changes/new", "/console/changes/SP-2026-003", "/console/changes/SP-2026-003?lang=de",
  "/console/changes/SP-2026-003/audience", "/console/changes/SP-2026-003/withdraw", "/console/deliveries"]) {
  test(`${path} is well made`, async ({ page, baseURL }) => {
    await signIn(page, baseURL);
    await page.goto(path);
    await wellMade(page, { atLeast: 8 });
  });
}
