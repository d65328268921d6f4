import type { Picture } from "../../../src/world/watch/picture.ts";

const HERE = new URL("./", import.meta.url);
const DASHBOARD = new URL("../../../src/dashboard/page/", import.meta.url);

async function bundle(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform=browser", "--minify"],
      new URL("main.tsx", HERE).pathname,
    ],
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`Cannot bundle the page: ${new TextDecoder().decode(stderr)}`);
}

async function styles(): Promise<string> {
  const files = [
    new URL("base.css", DASHBOARD),
    new URL("styles.css", DASHBOARD),
    new URL("styles.css", HERE),
  ];
  return (await Promise.all(files.map((file) => Deno.readTextFile(file)))).join("\n");
}

/** Escapes what would end a script in a page. */
function inScript(text: string): string {
  return text.replaceAll("<", "\\u003c");
}

/** Writes a page that shows a run as a sequence diagram, one file that needs no other. */
export async function writePage(path: string, picture: Picture): Promise<void> {
  const [code, css] = await Promise.all([bundle(), styles()]);
  const title = picture.title.replace(/[<>&]/g, "");
  await Deno.writeTextFile(
    path,
    `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <style>${css}</style>
  </head>
  <body>
    <div id="app"><noscript>This page draws a run, and needs JavaScript for that.</noscript></div>
    <script type="application/json" id="picture">${inScript(JSON.stringify(picture))}</script>
    <script type="module">${code.replaceAll("</script", "<\\/script")}</script>
  </body>
</html>
`,
  );
}
