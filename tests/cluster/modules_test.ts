import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { pathToFileURL } from "node:url";
import {
  digits,
  initialParameters,
  logisticRegression,
  partition,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { clusterPool } from "../../src/cluster/mod.ts";
import { inFolder, startCommand } from "../helpers/command.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

const data = await digits();
const model = logisticRegression({ inputShape: data.shape, numClasses: data.numClasses });

/** A module whose handlers are the built-in one, after some code. */
const moduleText = (code: string) => `
  import { ClientSGDHandler, defineClient } from "@fedlab/core";
  defineClient(({ data, rows }) => {
    ${code}
    return new ClientSGDHandler({ data: data!, rows: rows! });
  });`;

async function train(handler: URL, url?: string, onNotice?: (line: string) => void) {
  const server = new SyncParameterServerHandler({ model, ...await initialParameters(model, 1) });
  const parts = partition("iid", data, { parts: 4, seed: 1 });
  const pool = url === undefined ? {} : { pool: clusterPool({ url, ...onNotice && { onNotice } }) };
  const options = { train: data, parts, rounds: 2, workers: 1, handler, ...pool };
  return (await new Simulation(server, options).run()).modelDigest;
}

testWithNats(
  "machines run the module of a handler without permissions, where they allow it",
  ({ url }) =>
    inFolder(async (folder) => {
      const write = async (name: string, code: string) => {
        await Deno.writeTextFile(`${folder}/${name}`, moduleText(code));
        return pathToFileURL(`${folder}/${name}`);
      };
      const plain = await write("plain.ts", "");
      const curious = await write("curious.ts", `Deno.readTextFileSync("/etc/hostname");`);
      const machine = startCommand("worker", [
        ...[
          "--cluster",
          url,
          "--threads",
          "1",
          "--cache-dir",
          `${folder}/cache`,
          "--allow-modules",
        ],
      ], folder);
      await machine.said(/Waiting for runs/);
      const [alone, together] = await Promise.all([train(plain), train(plain, url)]);
      assertEquals(together, alone);
      const message = await train(curious, url).then(() => "", (error) => error.message);
      assert(/rank 1: Requires read access to "\/etc\/hostname"/.test(message), message);
      const beside = await write("beside.ts", `import("./plain.ts");`);
      const refused = await train(beside, url).then(() => "", (error) => error.message);
      assert(refused.includes("it imports a file beside it"), refused);
      machine.kill();
      await machine.outcome;
      const told = Promise.withResolvers<string>();
      await using _machines = new Machines(url, 1, { name: "closed", cacheFolder: `${folder}/c` });
      const stopped = train(plain, url, (line) => {
        if (line.includes("closed")) told.resolve(line);
      });
      stopped.catch(() => {});
      assert((await told.promise).includes("this machine runs no modules; with --allow-modules"));
      const later = startCommand("worker", [
        ...[
          "--cluster",
          url,
          "--threads",
          "1",
          "--cache-dir",
          `${folder}/cache`,
          "--allow-modules",
        ],
      ], folder);
      assertEquals(await stopped, alone);
      later.kill();
      await later.outcome;
    }),
);
