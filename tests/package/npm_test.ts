import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  digits,
  initialParameters,
  mlp,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { run } from "../../release/deno_command.ts";
import { stop } from "../../release/deps.ts";
import { buildNpm } from "../../release/npm/build.ts";
import { DENO_ONLY, ENTRIES } from "../../release/npm/entries.ts";
import { addPrograms, install } from "../../release/npm/try.ts";
import config from "../../deno.json" with { type: "json" };
import { inFolder } from "../helpers/command.ts";

const CLIENTS = 2;

/** Trains with clients that run on Node, and returns what they print. */
async function federate(project: string): Promise<string[]> {
  const data = await digits();
  const model = mlp({ inputShape: data.shape, numClasses: data.numClasses });
  const handler = new SyncParameterServerHandler({ ...await initialParameters(model, 1), model });
  let clients: Promise<string>[] = [];
  const server = new ServerSyncTop(handler, {
    ...{ listen: "ws://127.0.0.1:0/node", distBackend: "websocket", logger: silentLogger },
    ...{ worldSize: CLIENTS + 1, rounds: 2 },
    onEvent: (event) => {
      if (event.type !== "listening") return;
      clients = Array.from(
        { length: CLIENTS },
        (_, i) => run("node", ["client.js", event.address, `${i + 1}`, `${CLIENTS}`], project),
      );
    },
  });
  const { rounds } = await server.run();
  assertEquals(rounds.map(({ received }) => received), [CLIENTS, CLIENTS]);
  return await Promise.all(clients);
}

const hasNode = (() => {
  try {
    return new Deno.Command("node", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
})();

// It builds the package, installs it from its tarball, and starts Node three times: some 6 s.
Deno.test({
  name: "the npm form has each entry point, and simulates and joins a server on Node" +
    (hasNode ? "" : " (needs Node)"),
  ignore: !hasNode,
  fn: () =>
    inFolder(async (folder) => {
      const packed = `${folder}/packed`, project = `${folder}/project`;
      await Deno.mkdir(project);
      try {
        await buildNpm(packed, { hasTypes: false });
        await install(packed, project);
        await addPrograms(project, "rooms", "client");
      } finally {
        await stop();
      }
      const manifest = JSON.parse(await Deno.readTextFile(`${packed}/package.json`));
      assertEquals(Object.keys(manifest.exports), ENTRIES.map(([name]) => name));
      assertMatch(await run("node", ["--test", "rooms.js"], project), /^# fail 0$/m);
      assertEquals(await federate(project), Array(CLIENTS).fill("trained\n"));
    }),
});

Deno.test("each entry point is part of the npm form, or needs Deno", () => {
  const names = ENTRIES.map(([name]) => name);
  assertEquals(
    [...names, ...Object.keys(DENO_ONLY)].sort(),
    Object.keys(config.exports).sort(),
  );
  assert(names.length > Object.keys(DENO_ONLY).length);
});
