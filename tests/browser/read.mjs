// Opens pages of the UI as people do, waits until each says all that is looked for, and tells what stands on it.
//
//     node read.mjs CHROMIUM SECONDS PICTURES '{"URL": ["SENTENCE", ...], ...}'
//
// Parts of a page come one after another, so all sentences are waited for. Pictures of the pages are kept in PICTURES,
// numbered. Prints one JSON list: what each page says, in order; what it says when SECONDS are over, if a sentence
// never came.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const [executablePath, seconds, pictures, lookedFor] = process.argv.slice(2);
await mkdir(pictures, { recursive: true });
const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const said = [];
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1400, height: 900 });
  for (const [number, [url, sentences]] of Object.entries(JSON.parse(lookedFor)).entries()) {
    await page.goto(url, { waitUntil: "domcontentloaded" });
    await page
      .waitForFunction((all) => all.every((sentence) => document.body.innerText.includes(sentence)), { timeout: seconds * 1000 }, sentences)
      .catch((error) => {
        if (error.name !== "TimeoutError") throw error;
      });
    await page.screenshot({ path: join(pictures, `ui-${number + 1}.png`) });
    said.push(await page.evaluate(() => document.body.innerText));
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(said));
