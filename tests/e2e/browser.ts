/** A page opened in a real headless Chromium, where there is one. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";

const CHROMIUM = [process.env["FB_CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (p) => p !== "" && existsSync(p),
);
/** A test of a page: left out, with a line, where nothing can open it. */
export const tryIt = CHROMIUM === undefined ? test.skip : test;
if (CHROMIUM === undefined) process.stdout.write("(no Chromium here: the pages are not tested; apt-get install chromium) ");

let browser: Browser | null = null;
test.after(() => browser?.close());

/** The page opened and its first `shown` there; nothing is asked of the network, and nothing goes wrong in it, until `work` is through. */
export async function opened(
  file: string,
  shown: string,
  work: (page: Page) => Promise<void>,
  colorScheme: "light" | "dark" = "light",
): Promise<void> {
  // Chromium's sandbox refuses root, who runs CI; the page is ours.
  browser ??= await chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme });
  // What takes longer hangs: the machine may be busy.
  page.setDefaultTimeout(120_000);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("request", (request) => request.url() !== `file://${file}` && wrong.push(`asked for ${request.url()}`));
  await page.goto(`file://${file}`);
  await page.waitForSelector(shown);
  await work(page);
  assert.equal(wrong, []);
  await page.close();
}
