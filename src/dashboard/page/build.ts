/**
 * Builds the dashboard's page into `src/generated/dashboard_page.ts`: three files in gzip. With
 * `--check` it compares the hash of the sources with that of the last build instead.
 *
 *     deno task build:dashboard [--check]
 */
import { stop, transform } from "npm:esbuild@0.28.2";
import PLOT_STYLES from "npm:uplot@1.6.32/dist/uPlot.min.css" with { type: "text" };

const HERE = new URL("./", import.meta.url);
const RESULT = new URL("../../generated/dashboard_page.ts", import.meta.url);

/** Source files of the page, sorted. */
async function sources(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(HERE)) if (isFile) names.push(name);
  return [...names.map((name) => new URL(name, HERE)), new URL("../view.ts", HERE)]
    .map(({ href }) => href).sort();
}

/** Hash of the sources. */
async function hashOfSources(): Promise<string> {
  const texts = await Promise.all(
    (await sources()).map((href) => Deno.readTextFile(new URL(href))),
  );
  const bytes = new TextEncoder().encode(texts.join("\0"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function bundle(): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform=browser",
      "--minify",
      new URL("main.tsx", HERE).pathname,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot build the page: deno bundle failed");
  const { code } = await transform(new TextDecoder().decode(stdout), {
    ...{ target: "es2022", minify: true, format: "esm", legalComments: "inline" } as const,
  });
  return code;
}

async function base64(text: string): Promise<string> {
  const zipped = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(zipped).bytes()).toBase64();
}

const hash = await hashOfSources();
if (Deno.args.includes("--check")) {
  const built = await Deno.readTextFile(RESULT);
  if (!built.includes(hash)) {
    console.error("The dashboard's page is older than its sources: deno task build:dashboard");
    Deno.exit(1);
  }
} else {
  const html = await Deno.readTextFile(new URL("index.html", HERE));
  const own = await Promise.all(
    ["base.css", "styles.css"].map((name) => Deno.readTextFile(new URL(name, HERE))),
  );
  const css = [PLOT_STYLES, ...own].join("\n");
  const { code } = await transform(css, { loader: "css", minify: true });
  const files = {
    "/": { type: "text/html; charset=utf-8", text: html },
    "/page.js": { type: "text/javascript; charset=utf-8", text: await bundle() },
    "/page.css": { type: "text/css; charset=utf-8", text: code },
  };
  await stop();
  const entries = await Promise.all(
    Object.entries(files).map(async ([path, { type, text }]) => {
      const packed = await base64(text);
      console.log(`${path}: ${text.length} bytes, in gzip ${Math.round(packed.length * 0.75)}`);
      return `  ${JSON.stringify(path)}: {\n    type: ${
        JSON.stringify(type)
      },\n    base64:\n      "${packed}",\n  },\n`;
    }),
  );
  await Deno.writeTextFile(
    RESULT,
    `// deno-fmt-ignore-file\n/** Page of the dashboard; written by src/dashboard/page/build.ts from sources with the hash\n * ${hash}. */\nexport const DASHBOARD_PAGE: Readonly<Record<string, { type: string; base64: string }>> = {\n${
      entries.join("")
    }};\n`,
  );
}
