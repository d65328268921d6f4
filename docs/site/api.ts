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
}
