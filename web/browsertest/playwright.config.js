// The browser is the machine's own Chromium or Chrome (CHROMIUM): Playwright downloads none.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "specs",
  fullyParallel: true,
  workers: Number(process.env.BROWSER_WORKERS || 2),
  forbidOnly: true,
  retries: 0, // a test that fails now and then has found something
  timeout: 60_000,
  expect: { timeout: 15_000 }, // a busy machine is no fault of the page
  reporter: [["list"]],
  use: {
    baseURL: process.env.BASE_URL,
    locale: "en-GB",
    timezoneId: "America/New_York",
    contextOptions: { reducedMotion: "reduce" }, // so that nothing is still moving when looked at
    trace: "off",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
        "--no-first-run", "--disable-component-update", "--disable-sync",
      ],
    },
  },
});
