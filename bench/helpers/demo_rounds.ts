import type { RunReport } from "../../src/round/report/report.ts";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
/** Rounds that are not measured. */
const WARM_UP = 3;

/** Runs the demo with further options, and gives the milliseconds of its rounds. */
export async function demoRounds(
  options: readonly string[],
  signal: AbortSignal,
): Promise<number[]> {
  const folder = await Deno.makeTempDir(), json = `${folder}/report.json`;
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", CONFIG, MAIN, "demo", ...options, "--json", json],
      cwd: folder,
      stdout: "null",
      stderr: "piped",
      signal,
    }).output();
    if (!success) throw new Error(`The demo has failed: ${new TextDecoder().decode(stderr)}`);
    const { rounds }: RunReport = JSON.parse(await Deno.readTextFile(json));
    return rounds.slice(WARM_UP).map(({ seconds }) => seconds * 1000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
