import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { inFolder, startCommand } from "../helpers/command.ts";
import { natsProgram } from "../helpers/nats_server.ts";
import { testNeedingNats } from "../helpers/test_with_nats.ts";

testNeedingNats(
  "demo --cluster starts a server and two machines, and says where to look",
  () =>
    inFolder(async (folder) => {
      const env = { FEDLAB_NATS: natsProgram ?? "" };
      const demo = startCommand("demo:cluster", ["--rounds", "2"], folder, env);
      const { code, stderr, stdout } = await demo.outcome;
      assertEquals(code, 0, stderr);
      const [, url] = /NATS server: (nats:\S+),/.exec(stderr) ?? [];
      assert(url !== undefined, stderr);
      for (
        const line of [
          `more: deno task worker --cluster ${url}`,
          `Watch the run: deno task runs follow --cluster ${url}`,
          "Machine demo 1 takes part",
          "Machine demo 2 takes part",
        ]
      ) assert(stderr.includes(line), stderr);
      assert(stdout.includes("model digest"), stdout);
      const left = [...Deno.readDirSync(`${folder}/runs`)].map(({ name }) => name);
      assert(left.length === 1 && left[0]?.endsWith("-simulate"), left.join());
    }),
);

Deno.test("demo --cluster without a server says where it is looked for", () =>
  inFolder(async (folder) => {
    const env = { FEDLAB_NATS: `${folder}/none` };
    const { code, stderr } = await startCommand("demo:cluster", [], folder, env).outcome;
    assert(code !== 0);
    assert(stderr.includes("expected nats-server on PATH, or its path in FEDLAB_NATS"), stderr);
  }));
