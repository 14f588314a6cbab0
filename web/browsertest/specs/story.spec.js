// The main job from end to end, driven by the Go test TestTheStoryInABrowser on the running demo:
// the privacy team changes its list, a second person approves, it is announced, customers and
// followers read it. With scripts a vendor is added; without, one is removed.
//
// STORY_SHOTS names a folder to keep pictures of the steps in.
import { test, expect, axeClean, axeMessage, axeOnce, tabWalk, validateHtml, validateHtmlText } from "../helpers.js";

const { INBOX, PASSWORD, EDITOR, APPROVER, ADMIN, REVIEWER, STORY_SHOTS } = process.env;

test.use({ friends: [INBOX] });
// Not side by side: when a follower leaves one story, the other's audience would change.
test.describe.configure({ mode: "serial", timeout: 420_000 });

const addition = {
  kind: "Add a sub-processor", vendor: "Bugsnag", publicKind: "New sub-processor",
  reason: "To find errors in Nordlicht Desk before customers do.",
  fill: fillAddition, keeps: keepsAddition,
  tried: { address: "bounce.privacy@placeholder.example", state: "Failed", answers: ["Refused"], said: /^550 / },
  fallback: "office@placeholder.example", down: "Contract register",
  leaves: "watch@data-watch.example", clicks: "ressort-netz@tagblatt-muster.example", link: "Stop these mails",
};
const removal = {
  kind: "Remove a sub-processor", vendor: "Slack", publicKind: "Removal of a sub-processor",
  reason: "Messages to customers' own workspaces go out directly.",
  fill: fillRemoval, keeps: async () => {},
  tried: { address: "greylist.privacy@lorem-ipsum.example", state: "Sent", answers: ["Put off", "Accepted"], said: /^45\d / },
  leaves: "archive@goodbye-list.example", clicks: "alerts@chat-partner.example", link: "Stop these mails",
};

for (const [how, on, story] of [["with scripts", true, addition], ["without scripts", false, removal]]) {
  test.describe(how, () => {
    test.use({ javaScriptEnabled: on });

    test("a change from the draft to the customer's mail", async ({ page, person, allowErrors }) => {
      allowErrors(/status of 422/); // the day in the past
      const look = looker(on);
      let reference;
      await test.step("an editor drafts it", async () => {
        reference = await draft(page, story, look, allowErrors);
      });
      await test.step("sees whom it concerns and what they will read, and submits it", () => readAndSubmit(page, story, reference, look));
      const approver = await person();
      await test.step("a second person approves and announces it", async () => {
        await approve(approver, reference, look);
        await announce(approver, on, look, allowErrors);
      });
      await test.step("watches the deliveries to their end, and reads a server's answer", async () => {
        if (story.down) await tryAgain(approver, story);
        await watchDeliveries(approver, on, look);
        await readAttempts(approver, story, look);
        await readOutlets(approver, story, reference, look);
      });
      const reader = await person();
      await test.step("a customer reads the mail and follows its link", () => readMail(reader, story, reference, look));
      await test.step("a customer's systems got it too", () => seeOutlets(reader, story, reference, look));
      await test.step("followers unsubscribe", () => unsubscribe(reader, story, look));
    });
  });
}

test("nobody approves their own change, and an editor none", async ({ page, person }) => {
  await signIn(page, EDITOR);
  const change = await draftRemoval(page, "Heroku");
  await expect(page.getByRole("button", { name: "Submit for review" })).toBeVisible();
  await page.getByRole("button", { name: "Submit for review" }).click();
  await expect(page.getByText("waits for approval by a second person")).toBeVisible();
  await expect(page.getByRole("button", { name: "Approve" })).toHaveCount(0);
  await expect(page.getByText("Your role doesn't allow you to approve changes.")).toBeVisible();
  const refused = await post(page, `${change}/approve`);
  expect(refused.status()).toBe(403);
  expect(await refused.text()).toContain("allow you to approve changes");
  expect((await post(page, `${change}/announce`)).status()).toBe(403);

  const admin = await person();
  await signIn(admin, ADMIN);
  const own = await draftRemoval(admin, "AWS");
  await admin.getByRole("button", { name: "Submit for review" }).click();
  await expect(admin.getByRole("button", { name: "Approve" })).toHaveCount(0);
  await expect(admin.getByText("so somebody else has to approve it")).toBeVisible();
  const answer = await post(admin, `${own}/approve`);
  expect(answer.status()).toBe(403);
  expect(await answer.text()).toContain("so somebody else has to approve it");
  await admin.reload();
  await expect(admin.locator("main .page-head .badge")).toHaveText("In review");
});

test("signing out ends the session", async ({ page }) => {
  await signIn(page, EDITOR);
  const kept = await page.context().cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await page.context().addCookies(kept); // as a copy of the cookie would try
  await page.goto("/console/changes");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});

test("a reviewer reads, and is told politely what they may not do", async ({ page, allowErrors }) => {
  allowErrors(/status of 403/);
  await signIn(page, REVIEWER);
  await page.getByRole("link", { name: "Changes", exact: true }).click();
  await expect(page.getByRole("link", { name: "Draft a change" })).toHaveCount(0);
  await page.getByRole("row", { name: /Braintree/ }).getByRole("link").click();
  await expect(page.getByText("Your role doesn't allow you to approve changes.")).toBeVisible();
  await expect(page.locator("main form[method=post]")).toHaveCount(0);
  const answer = await page.goto("/console/changes/new");
  expect(answer.status()).toBe(403);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You may not do this");
  await expect(page.getByText("Ask somebody with one of these roles")).toBeVisible();
  await axeClean(page);
  await tabWalk(page);
});

// looker looks at a page: with scripts wide and narrow, light and dark and by keyboard, unless it was
// seen so in another state; without scripts as it stands. A page that answers a POST brings its source.
function looker(scripted) {
  let n = 0;
  return async (page, name, { source, again } = {}) => {
    n++;
    if (STORY_SHOTS) {
      const file = `story-${scripted ? "js" : "plain"}-${String(n).padStart(2, "0")}-${name}.png`;
      // Chromium loses its way to what is clicked next when it has drawn a page with a frame in full.
      const fullPage = await page.locator("iframe").count() === 0;
      await page.screenshot({ path: `${STORY_SHOTS}/${file}`, fullPage });
    }
    if (scripted && !again) {
      await axeClean(page);
      await tabWalk(page);
    } else {
      await axeOnce(page);
    }
    if (source) await validateHtmlText(source, page.url());
    else await validateHtml(page);
  };
}

// day is so many days from now, as people write it.
function day(ahead) {
  const at = new Date(Date.now() + ahead * 86_400_000);
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(at);
}

async function signIn(page, email, look) {
  await page.goto("/console");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  await look?.(page, "sign-in");
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Home");
}

// choose takes the option that begins with the text.
async function choose(select, text) {
  const option = select.locator("option", { hasText: new RegExp(`^\\s*${text}`) });
  await select.selectOption(await option.getAttribute("value"));
}

async function draft(page, story, look) {
  await signIn(page, EDITOR, look);
  await look(page, "home");
  await page.getByRole("link", { name: "Changes", exact: true }).click();
  await look(page, "changes");
  await page.getByRole("link", { name: "Draft a change" }).click();
  await look(page, "kind");
  await page.getByRole("link", { name: story.kind }).click();
  await look(page, "form", { again: true });
  await story.fill(page, story);

  const effective = page.getByLabel("Planned effective date");
  await effective.fill(day(-30));
  const posted = page.waitForResponse((r) => r.request().method() === "POST" && r.status() === 422);
  await page.getByRole("button", { name: "Save the draft" }).click();
  const answer = await posted;
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.locator("#errors")).toBeFocused();
  await look(page, "form-refused", { source: await answer.text() });
  await page.getByRole("link", { name: /is in the past/ }).click();
  await expect(effective).toBeFocused();
  await expect(effective).toHaveAttribute("aria-invalid", "true");
  await expect(effective).toHaveValue(day(-30));
  await expect(page.getByLabel("Reason", { exact: true })).toHaveValue(story.reason);
  await story.keeps(page);

  await effective.fill(day(60));
  await page.getByRole("button", { name: "Save the draft" }).click();
  await expect(page.getByText("is drafted. Nobody outside sees it yet.")).toBeVisible();
  return (await page.getByRole("heading", { level: 1 }).textContent()).match(/^[A-Z]+-\d{4}-\d+/)[0];
}

async function fillAddition(page, story) {
  await choose(page.getByLabel("Vendor", { exact: true }), story.vendor);
  await page.getByLabel("Reason", { exact: true }).fill(story.reason);
  await page.getByLabel("Safeguards").fill("Texts that people type are cut from reports before they leave.");
  await page.getByLabel("Purpose").fill("Watches for errors in the application");
  await page.getByLabel("Nature of the processing").fill("Error reports are stored and shown to developers.");
  await page.getByLabel("Categories of data", { exact: false }).first().fill("Error reports\nIP addresses");
  await page.getByLabel("Data subjects").fill("Customers' staff\nCustomers' end users");
  await page.getByRole("checkbox", { name: "Nordlicht Desk" }).check();
  await page.getByRole("checkbox", { name: "A customer can be technically excluded" }).check();
  await fillLocation(page, 1, "United States", "Data is stored there", ["Standard contractual clauses, module 2",
    "UK Addendum to the EU clauses", "Standard contractual clauses, module 2"]);
  await page.getByRole("button", { name: "Add another location" }).click();
  await fillLocation(page, 2, "Ireland", "Data is only accessed from there", ["None needed: inside the same legal order",
    "Adequacy decision", "Adequacy decision"]);
}

async function fillLocation(page, number, country, what, mechanisms) {
  const place = page.getByRole("group", { name: `Location ${number}` });
  await place.getByLabel("Country").selectOption({ label: country });
  await place.getByLabel("What happens there").selectOption({ label: what });
  await place.getByText("Transfer mechanisms", { exact: true }).click();
  for (const [i, from] of ["European Economic Area", "United Kingdom", "Switzerland"].entries()) {
    await place.getByLabel(`From: ${from}`).selectOption({ label: mechanisms[i] });
  }
}

async function keepsAddition(page) {
  await expect(page.getByLabel("Vendor", { exact: true }).locator("option:checked")).toContainText("Bugsnag");
  await expect(page.getByLabel("Data subjects")).toHaveValue("Customers' staff\nCustomers' end users");
  await expect(page.getByRole("checkbox", { name: "Nordlicht Desk" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "Nordlicht Chat" })).not.toBeChecked();
  const second = page.getByRole("group", { name: "Location 2" });
  await expect(second.getByLabel("Country").locator("option:checked")).toHaveText("Ireland");
  await expect(second.getByLabel("From: United Kingdom").locator("option:checked")).toHaveText("Adequacy decision");
}

async function fillRemoval(page, story) {
  await choose(page.getByLabel("Engagement that ends"), story.vendor);
  await page.getByLabel("Reason", { exact: true }).fill(story.reason);
}

// draftRemoval drafts without looking around, and returns the change's path.
async function draftRemoval(page, vendor) {
  await page.goto("/console/changes/new?kind=removal");
  await fillRemoval(page, { vendor, reason: "It is no longer needed." });
  await page.getByLabel("Planned effective date").fill(day(60));
  await page.getByRole("button", { name: "Save the draft" }).click();
  await expect(page.getByText("is drafted.")).toBeVisible();
  return new URL(page.url()).pathname;
}

// post sends what the page's own button would, had it one.
function post(page, path) {
  return page.request.post(path, { headers: { Origin: new URL(page.url()).origin, Accept: "text/html" }, form: {} });
}

async function readAndSubmit(page, story, reference, look) {
  await expect(page.getByText(/^\d+ customers are affected\. \d+ messages would go out now\./)).toBeVisible();
  await look(page, "draft");
  await page.getByRole("link", { name: /customers are left out/ }).click();
  await expect(page.getByText("It uses none of the products concerned.").first()).toBeVisible();
  await look(page, "left-out");
  await page.getByRole("link", { name: `Back to ${reference}` }).click();
  await page.getByRole("link", { name: /^See (all|the) \d+ affected customers?$/ }).click();
  const acme = page.getByRole("row", { name: /Acme Example/ });
  await expect(acme).toContainText("General authorisation");
  await expect(acme).toContainText(/\d+ \w+ 20\d\d/);
  await look(page, "audience");
  await page.getByRole("link", { name: `Back to ${reference}` }).click();

  await page.getByRole("link", { name: "Read the notice" }).click();
  await page.getByLabel("As", { exact: true }).selectOption({ label: "Acme Example Corp." });
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.getByText("This is what Acme Example Corp. would get now.")).toBeVisible();
  await expect(page.frameLocator("iframe.mail").getByText(story.reason)).toBeVisible();
  await look(page, "preview");
  await page.getByRole("link", { name: `Back to ${reference}` }).click();

  await page.getByRole("button", { name: "Submit for review" }).click();
  await expect(page.getByText(`${reference} waits for approval by a second person.`)).toBeVisible();
  await expect(page.getByRole("button", { name: "Approve" })).toHaveCount(0);
  await look(page, "submitted", { again: true });
}

async function approve(page, reference, look) {
  await signIn(page, APPROVER);
  await page.getByRole("link", { name: `Approve ${reference}` }).click();
  await look(page, "in-review", { again: true });
  await page.getByRole("button", { name: "Approve" }).click();
  await expect(page.getByText(`${reference} is approved. Nothing has gone out yet`)).toBeVisible();
  await look(page, "approved");
}

async function announce(page, scripted, look, allowErrors) {
  await page.getByRole("link", { name: "Announce …" }).click();
  await expect(page.getByText(/^Send notice to \d+ recipients at \d+ customers and to \d followers\.$/)).toBeVisible();
  await look(page, "announce");
  const button = page.getByRole("button", { name: /^Send notice to \d+ recipients$/ });
  if (scripted) {
    let posts = 0;
    page.on("request", (request) => { if (request.method() === "POST") posts++; });
    await button.dblclick();
    await expect(page.getByText("is announced. Its notice is going out now")).toBeVisible();
    expect(posts, "forms sent by two presses").toBe(1);
    return;
  }
  // Two presses both reach the server here, and so does one in a tab that was left open.
  allowErrors(/status of 409/);
  const left = await page.context().newPage();
  await left.goto(page.url());
  await button.dblclick();
  await expect(page.getByText(/is announced\. Its notice|was announced already by Paula Probe/).first()).toBeVisible();
  await left.getByRole("button", { name: /^Send notice to/ }).click();
  await expect(left.locator("#errors")).toContainText("was announced already by Paula Probe");
  await expect(left.locator("#errors")).toContainText("Nothing was sent a second time");
  await left.close();
  await page.goto(page.url().replace(/\/announce$/, ""));
}

async function watchDeliveries(page, scripted, look) {
  const finished = page.getByText(/^(\d+) of \1 finished$/);
  if (scripted) {
    await page.evaluate(() => { window.stayed = true; });
    await expect(page.getByRole("button", { name: "Pause updates" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Pause updates" })).toBeHidden({ timeout: 90_000 });
    await expect(finished).toBeVisible();
    await expect(page.locator("#windows").getByRole("row", { name: /Acme Example/ }).locator(".badge")).toHaveText("Open");
    expect(await page.evaluate(() => window.stayed), "the page moved by itself").toBe(true);
  } else {
    await expect(async () => {
      await page.getByRole("link", { name: "Refresh" }).click();
      await expect(finished).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 60_000 });
  }
  await look(page, "announced");
}

// tryAgain waits, beside the page that moves, until an endpoint that is down has put off a notice twice,
// and presses the button instead of waiting minutes for the third try.
async function tryAgain(page, story) {
  const beside = await page.context().newPage();
  await beside.goto(page.url());
  const list = beside.getByRole("link", { name: "Announcement", exact: true });
  await refreshed(beside, () => expect(list).toBeVisible({ timeout: 500 }));
  await list.click();
  await beside.goto(`${beside.url()}?channel=webhook`);
  const row = beside.getByRole("row", { name: story.down });
  await refreshed(beside, () => expect(row).toContainText("2 tries", { timeout: 500 }));
  await expect(row.locator(".badge")).toHaveText("Retrying");
  await row.getByRole("link").click();
  await expect(beside.getByText("The last try did not get through.")).toBeVisible();
  await expect(beside.getByRole("row", { name: /Try 2/ })).toContainText("503");
  await beside.getByRole("button", { name: "Try again now" }).click();
  await expect(beside.getByText("The delivery is queued and goes out at once.")).toBeVisible();
  await refreshed(beside, () => expect(beside.locator("main .page-head .badge")).toHaveText("Received", { timeout: 500 }));
  await expect(beside.getByRole("row", { name: /Try 3/ })).toContainText("Accepted");
  await beside.close();
}

// refreshed reloads a page until it is as it should be.
async function refreshed(page, asItShould) {
  await expect(async () => {
    await page.reload();
    await asItShould();
  }).toPass({ timeout: 60_000 });
}

// readOutlets opens deliveries by webhook and to Slack, each as it was sent.
async function readOutlets(page, story, reference, look) {
  for (const [channel, recipient, parts] of [
    ["webhook", "Ticketsystem", ["Headers", "Body"]],
    ["slack", "Datenschutz in Slack", ["The text for notifications", "What was posted"]],
  ]) {
    await page.getByRole("link", { name: `Deliveries of the announcement of ${reference}` }).click();
    await page.getByLabel("Channel", { exact: true }).selectOption(channel);
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("row", { name: recipient }).getByRole("link").click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(recipient);
    await expect(page.locator("main .page-head .badge")).toHaveText("Received");
    await expect(page.getByText("This is the message byte for byte")).toBeVisible();
    for (const part of parts) await expect(page.getByRole("heading", { name: part, exact: true })).toBeVisible();
    await expect(page.locator("main pre").last()).toContainText(reference);
    await expect(page.locator("main pre").last()).toContainText(story.reason);
    await look(page, `delivery-${channel}`);
  }
}

async function readAttempts(page, story, look) {
  await page.getByRole("link", { name: "Announcement", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Deliveries of the announcement of");
  await look(page, "deliveries");
  if (story.fallback) { // told instead of the one who can't be
    await expect(page.getByRole("row", { name: story.fallback }).locator(".badge")).toHaveText("Sent");
  }
  await page.getByRole("searchbox").fill(story.tried.address);
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("link", { name: story.tried.address }).click();
  await expect(page.locator("main .page-head .badge")).toHaveText(story.tried.state);
  for (const [i, outcome] of story.tried.answers.entries()) {
    await expect(page.getByRole("row", { name: new RegExp(`Try ${i + 1}`) })).toContainText(outcome);
  }
  await expect(page.getByRole("row", { name: /Try 1/ }).locator("code").first()).toHaveText(story.tried.said);
  await expect(page.frameLocator("iframe.mail").getByText(story.reason)).toBeVisible();
  await look(page, "delivery");
}

// openMail finds the newest message to an address in the demo inbox.
async function openMail(page, address) {
  await page.goto(INBOX);
  await page.getByLabel("Recipient or subject").fill(address);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("row").nth(1).getByRole("link").click();
  return page.frameLocator("iframe");
}

// follow clicks a link that opens beside the message.
async function follow(page, link) {
  const opened = page.context().waitForEvent("page");
  await link.click();
  const beside = await opened;
  await beside.waitForLoadState();
  return beside;
}

async function readMail(page, story, reference, look) {
  await page.goto(INBOX);
  await look(page, "inbox");
  const mail = await openMail(page, "privacy@acme-example.example");
  await expect(mail.getByRole("heading", { level: 1 })).toContainText(reference);
  await expect(mail.getByText("What this means under your terms")).toBeVisible();
  await expect(mail.getByText(story.reason)).toBeVisible();
  await expect(mail.getByRole("link", { name: "Stop these mails" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Unsubscribe" })).toHaveCount(0);
  await look(page, "message");
  await axeMessage(page, await (await page.request.get(`${page.url()}/html`)).text());

  const change = await follow(page, mail.getByRole("link", { name: "This change" }));
  await expect(change).toHaveURL(new RegExp(`/changes/${reference}$`));
  await expect(change.getByRole("heading", { level: 1 })).toHaveText(`${story.publicKind}: ${story.vendor}`);
  await expect(change.getByText(story.reason)).toBeVisible();
  await look(change, "public-change");
  await change.getByRole("link", { name: "Sub-processors", exact: true }).click();
  await expect(change.getByRole("article").filter({ hasText: reference })).toContainText(story.vendor);
  await look(change, "public-list");
  await change.close();
}

// seeOutlets looks at the demo's receivers: what came by webhook is verified, what came to Slack is drawn.
async function seeOutlets(page, story, reference, look) {
  await page.goto(INBOX);
  await page.getByRole("link", { name: "Webhooks", exact: true }).click();
  await page.getByLabel("Endpoint, notice or webhook-id").fill(reference);
  await page.getByRole("button", { name: "Search" }).click();
  const arrival = page.getByRole("region", { name: "Arrivals" }).getByRole("row", { name: "beispielwerke" });
  await expect(arrival).toContainText("verified");
  await look(page, "webhooks");
  await arrival.getByRole("link").click();
  await expect(page.getByText("Verified with the endpoint’s newest secret")).toBeVisible();
  await expect(page.locator("main pre")).toContainText(story.reason);
  await look(page, "webhook");

  await page.getByRole("link", { name: "Slack", exact: true }).click();
  const message = page.getByRole("article").filter({ hasText: "T0BEISPIELWERKE/B0DATENSCHUTZ" }).filter({ hasText: reference });
  await expect(message).toContainText(story.reason);
  await expect(message.locator(".title")).toBeVisible();
  await look(page, "slack");
  await message.getByRole("link", { name: "What was posted" }).click();
  await expect(page.locator("main pre")).toContainText('"blocks"');
  await look(page, "slack-message");
}

async function unsubscribe(page, story, look) {
  const mail = await openMail(page, story.leaves);
  await look(page, "message-follower", { again: true });
  const leaving = await follow(page, mail.getByRole("link", { name: story.link }));
  await expect(leaving.getByRole("heading", { level: 1 })).toHaveText("Stop these messages?");
  await look(leaving, "unsubscribe");
  await leaving.getByRole("button", { name: "Stop these messages" }).click();
  await expect(leaving.getByRole("heading", { level: 1 })).toHaveText("You are unsubscribed");
  await look(leaving, "unsubscribed");
  await leaving.close();

  await openMail(page, story.clicks);
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await expect(page.getByRole("status")).toContainText("Fairnotice was asked to unsubscribe this recipient, and answered 200");
}
