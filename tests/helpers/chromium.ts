import puppeteer, { type Browser } from "npm:puppeteer-core@25.16.0";

/** Path of a Chromium, where there is one. */
function findChromium(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const onPath = ["chromium", "google-chrome"].flatMap((name) =>
    folders.map((folder) => `${folder}/${name}`)
  );
  const own = Deno.env.get("CHROMIUM");
  return [...(own ? [own] : []), "/usr/bin/chromium", ...onPath].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

const chromium = findChromium();

/**
 * Starts a Chromium.
 *
 * @throws {Error} If there is none.
 */
export async function launchChromium(): Promise<Browser> {
  if (chromium === undefined) throw new Error("There is no Chromium, at CHROMIUM or on PATH");
  return await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
}

/** A test in Chromium, where there is one. */
export function testInBrowser(claim: string, test: (browser: Browser) => Promise<void>): void {
  const ignore = chromium === undefined;
  Deno.test({
    name: claim + (ignore ? " (needs Chromium, at CHROMIUM or on PATH)" : ""),
    ignore,
    async fn() {
      const browser = await launchChromium();
      try {
        await test(browser);
      } finally {
        await browser.close();
      }
    },
  });
}
