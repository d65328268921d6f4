import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import {
  checkClock,
  checkDeno,
  checkDescriptors,
  checkMemory,
} from "../../src/cli/doctor/machine.ts";
import { checkRuns } from "../../src/cli/doctor/place.ts";
import { replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("doctor names what works, and ends with 1 and advice where something does not", () =>
  inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const good = await runCommand("doctor", [
      ...["--listen", "127.0.0.1:0", "--reach", `127.0.0.1:${port}`, "--json", "found.json"],
    ], folder);
    assertEquals(good.code, 0, good.stderr);
    assertMatch(good.stdout, /^ok +kernels +(relaxed-simd|simd128) kernels run/m);
    assertMatch(good.stdout, /^ok +server +127.* accepts a connection/m);
    const { findings } = JSON.parse(await Deno.readTextFile(`${folder}/found.json`)) as {
      findings: Finding[];
    };
    assertEquals(findings.filter(({ state }) => state === "problem"), []);
    assertEquals(new Set(findings.map(({ subject }) => subject)).size, findings.length);
    // Nothing is left of the probe in the folder of runs.
    assertEquals([...Deno.readDirSync(`${folder}/runs`)], []);

    const bad = await runCommand("doctor", ["--listen", `127.0.0.1:${port}`], folder);
    assertEquals(bad.code, 1);
    assertMatch(bad.stdout, /^problem +port +Cannot listen on .*\n +stop the process/m);
    assertEquals(bad.stderr, "error: Not everything works here: port\n");
  }));

Deno.test("doctor's checks tell an old Deno, little memory, few descriptors and a wrong clock", async () => {
  const { process, files, clock } = runtime;
  const granted = { state: "granted" } as Deno.PermissionStatus;
  using _ = replaceRuntime({
    process: {
      ...process,
      version: "2.8.1",
      permissions: { ...process.permissions, query: () => Promise.resolve(granted) },
      memory: () => ({ total: 4e9, available: 1e9 }) as Deno.SystemMemoryInfo,
    },
    files: {
      ...files,
      readTextFile: () => Promise.resolve("Max open files            256      256     files\n"),
      mkdir: () => Promise.reject(new Deno.errors.NotCapable("no")),
    },
    clock: { ...clock, unixMillis: () => 0 },
  });
  const states = [checkDeno(), await checkMemory(), await checkDescriptors(), await checkClock()]
    .map(({ subject, state, advice }) => [subject, state, advice !== undefined]);
  assertEquals(states, [
    ["Deno", "problem", true],
    ["memory", "note", true],
    ["descriptors", "note", true],
    ["clock", "problem", true],
  ]);
  const runs = await checkRuns();
  assert(runs.state === "problem" && runs.advice?.startsWith("allow it"), runs.advice);
});
