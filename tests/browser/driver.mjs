// Drives one page of a browser by lines of JSON on standard input: {"do": NAME, ...}; each is answered by one line.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const [program, options] = [process.argv[2], JSON.parse(process.argv[3])];
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
// The pages' own policy lets no script of others in, axe-core's neither.
const context = await browser.newContext({ bypassCSP: true, reducedMotion: "reduce", ...options });
const page = await context.newPage();
page.setDefaultTimeout(Number(options.timeout ?? 20000));
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));

let root = page; // where fields, buttons and texts are looked for: the page, or a frame in it
const field = (label) => root.getByLabel(label, { exact: true });
const steps = {
  goto: async ({ url }) => (await page.goto(url))?.status(),
  url: async () => page.url(),
  title: async () => page.title(),
  frame: async ({ selector }) => void (root = selector ? page.frameLocator(selector) : page),
  text: async ({ selector }) => root.locator(selector ?? "body").first().innerText(),
  value: async ({ selector }) => root.locator(selector).inputValue(),
  html: async () => page.content(),
  count: async ({ selector }) => page.locator(selector).count(),
  fill: async ({ label, value }) => field(label).fill(value),
  enter: async ({ name, values }) => {
    const found = page.locator(`[name="${name}"]`);
    const kind = await found.first().evaluate((each) => (each.tagName === "SELECT" ? "select" : each.type));
    if (kind === "select") return void (await found.selectOption(values));
    if (kind !== "checkbox") return found.fill(values[0] ?? "");
    for (const box of await found.all()) await box.setChecked(values.includes(await box.inputValue()));
  },
  open: async ({ selector }) => page.locator(selector).evaluateAll((all) => all.forEach((each) => (each.open = true))),
  press: async ({ role, name }) => {
    await root.getByRole(role ?? "button", { name, exact: true }).first().click();
    await page.waitForLoadState("load");
  },
  key: async ({ keys }) => page.keyboard.press(keys),
  focused: async () => page.evaluate(() => document.activeElement?.outerHTML?.slice(0, 200) ?? ""),
  media: async ({ scheme, width, height }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height });
  },
  overflow: async () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
  screenshot: async ({ path }) => void (await page.screenshot({ path, fullPage: true })),
  complaints: async () => complaints.splice(0),
  axe: async () => {
    if (!(await page.evaluate(() => "axe" in window))) await page.addScriptTag({ path: axe });
    const found = await page.evaluate((rules) => axe.run({ runOnly: rules }), RULES);
    return found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((each) => each.html) }));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await steps[name](given)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
