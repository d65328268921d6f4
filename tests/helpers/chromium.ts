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

/** A test in Chromium, where there is one. */
export function testInBrowser(claim: string, test: (browser: Browser) => Promise<void>): void {
  const ignore = chromium === undefined;
  Deno.test({
    name: claim + (ignore ? " (needs Chromium, at CHROMIUM or on PATH)" : ""),
    ignore,
    async fn() {
      const browser = await puppeteer.launch({
        executablePath: chromium ?? "",
        args: ["--no-sandbox"],
      });
      try {
        await test(browser);
      } finally {
        await browser.close();
      }
    },
  });
}
