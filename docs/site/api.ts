import { ROOT } from "./sources.ts";

/** Writes the description of all entry points of the package. */
export async function buildApi(folder: URL): Promise<void> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const entries = Object.values<string>(exports).filter((path) => !path.includes("/cli/"));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--html", "--name=FedLab", `--output=${folder.pathname}`, ...entries],
    cwd: ROOT,
  }).output();
  if (!success) {
    throw new Error(`Cannot describe the API: ${new TextDecoder().decode(stderr).trim()}`);
  }
  await complete(folder.pathname.replace(/\/$/, ""));
}

/** Adds to the pages of a folder the language, and that they have no icon to look for. */
async function complete(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await complete(path);
    else if (name.endsWith(".html")) {
      const text = await Deno.readTextFile(path);
      await Deno.writeTextFile(
        path,
        text.replace("<html>", '<html lang="en">')
          .replace("<head>", '<head>\n  <link rel="icon" href="data:,">'),
      );
    }
  }
}
