// Looks at static pages as people do: axe-core judges every one, in light and in dark, and what they ask for is listed.
//
//     node look.mjs CHROMIUM FOLDER PICTURES PAGE...
//
// PAGE are paths below FOLDER. Pictures of pages after `--pictures` are kept in PICTURES. Prints one JSON object.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [executablePath, folder, pictures, ...rest] = process.argv.slice(2);
const divide = rest.indexOf("--pictures");
const paths = divide < 0 ? rest : rest.slice(0, divide);
const drawn = divide < 0 ? [] : rest.slice(divide + 1);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = { laptop: { width: 1280, height: 800 }, phone: { width: 390, height: 844, isMobile: true, deviceScaleFactor: 2 } };

const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const found = {};
try {
  const page = await browser.newPage();
  let asked = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => message.type() === "error" && asked.push(`console: ${message.text()}`));
  for (const path of paths) {
    const url = pathToFileURL(join(folder, path)).href;
    const result = { violations: [], requests: [], wide: 0 };
    asked = [];
    await page.setViewport(SIZES.laptop);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    await page.goto(url, { waitUntil: "load" });
    await page.evaluate(axe);
    const judged = await page.evaluate(() => axe.run(document, { preload: false }));
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    const dark = await page.evaluate(() => axe.run(document, { runOnly: ["color-contrast"], preload: false }));
    for (const violation of [...judged.violations, ...dark.violations])
      result.violations.push(`${violation.id}: ${violation.help}: ${violation.nodes[0].html.slice(0, 200)}`);
    result.requests = asked.filter((each) => each !== url);
    // On a phone nothing stands beside the screen; as a phone itself, the browser would load the page again.
    await page.setViewport({ width: SIZES.phone.width, height: SIZES.phone.height });
    result.wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    found[path] = result;
  }
  if (drawn.length) await mkdir(pictures, { recursive: true });
  for (const path of drawn) {
    const name = path.replace(/\.html$/, "").replaceAll("/", "-");
    for (const [size, scheme] of [["laptop", "light"], ["phone", "dark"]]) {
      await page.setViewport(SIZES[size]);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(pathToFileURL(join(folder, path)).href, { waitUntil: "load" });
      await page.screenshot({ path: join(pictures, `${name}-${size}-${scheme}.png`), fullPage: true });
    }
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    await page.setViewport({ width: 794, height: 1123 });
    await page.emulateMediaType("print");
    await page.screenshot({ path: join(pictures, `${name}-print.png`), fullPage: true });
    await page.emulateMediaType(null);
    await page.pdf({ path: join(pictures, `${name}-print.pdf`), format: "A4", printBackground: false });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
