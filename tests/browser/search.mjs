// Searches a site from the file system, as people do: types words, and lists what is found.
//
//     node search.mjs CHROMIUM PAGE WORDS
//
// Prints one JSON object: the addresses that were found, and every request to anything but a file.
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [executablePath, path, words] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const asked = [];
let found = [];
try {
  const page = await browser.newPage();
  page.on("request", (request) => !/^(file|data):/.test(request.url()) && asked.push(request.url()));
  page.on("pageerror", (error) => asked.push(`error: ${error.message}`));
  await page.goto(pathToFileURL(path).href, { waitUntil: "load" });
  await page.focus("[data-md-component=search-query]");
  await page.keyboard.type(words);
  await page.waitForSelector(".md-search-result__link", { timeout: 30000 });
  found = await page.$$eval(".md-search-result__link", (links) => links.map((link) => link.getAttribute("href")));
} finally {
  await browser.close();
}
console.log(JSON.stringify({ found, asked }));
