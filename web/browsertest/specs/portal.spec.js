// Unsubscribing, driven by the Go test portal.TestPortalInABrowser.
import { test, expect, wellMade, axeClean } from "../helpers.js";

const { SCRIPTED, PLAIN, GERMAN, CONTRACT } = process.env;

for (const [how, on, path] of [["with scripts", true, SCRIPTED], ["without scripts", false, PLAIN]]) {
  test.describe(how, () => {
    test.use({ javaScriptEnabled: on });

    test("a follower looks, then unsubscribes, then looks again", async ({ page }) => {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Stop these messages?");
      await wellMade(page, { atLeast: 3 });
      await page.reload();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Stop these messages?");
      await page.getByRole("button", { name: "Stop these messages" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are unsubscribed");
      await expect(page.getByRole("status")).toContainText("gets no more messages");
      await wellMade(page, { atLeast: 3 });
      await page.reload();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are unsubscribed");
    });
  });
}

for (const [what, path, status] of [["in German", GERMAN, 200], ["a contract's recipient", CONTRACT, 200]]) {
  test(`well made: ${what}`, async ({ page }) => {
    const answer = await page.goto(path);
    expect(answer.status()).toBe(status);
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await wellMade(page, { atLeast: 3 });
  });
}

test("a link cut short explains itself", async ({ page, allowErrors }) => {
  allowErrors(/status of 404/);
  const answer = await page.goto(SCRIPTED.slice(0, -5));
  expect(answer.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This link doesn't work");
  await axeClean(page);
});
