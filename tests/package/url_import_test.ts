import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { digits, mlp, ServerSyncTop, silentLogger, SyncParameterServerHandler } from "../../mod.ts";
import { initialParameters } from "../../mod.ts";
import { inFolder } from "../helpers/command.ts";
import { freshCache, runDeno, servePackage, writeConsumerConfig } from "../helpers/package.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** What a user writes who has nothing but the address: a server and a client here, another client in a worker. */
function federation(host: string): string {
  return `
import {
  ClientSyncTop, digits, mlp, NativeSGDHandler, partitionIid, ServerSyncTop, SyncParameterServerHandler,
} from "http://${host}/mod.ts";
import { spawn } from "http://${host}/src/worker/mod.ts";

const data = await digits();
const model = mlp({ inputShape: data.shape, numClasses: data.numClasses });
await using learner = new NativeSGDHandler({ data: data.select(partitionIid(data, 2, { seed: 1 })[0]!) });
await learner.setUp(model);
const handler = new SyncParameterServerHandler({
  manifest: learner.manifest,
  parameters: learner.parameters.slice(),
  model,
  evaluator: async (parameters, signal) => {
    learner.parameters = parameters;
    return await learner.evaluate(signal);
  },
});
const server = new ServerSyncTop(handler, {
  listen: "127.0.0.1:0",
  worldSize: 3,
  rounds: 3,
  loggerFile: "",
  onEvent(event) {
    if (event.type === "listening") join(event.address);
  },
});
let clients: Promise<unknown> = Promise.resolve();
function join(serverAddr: string): void {
  const options = { serverAddr, loggerFile: "" };
  const own = new NativeSGDHandler({ data: data.select(partitionIid(data, 2, { seed: 1 })[0]!) });
  const worker = spawn(new URL("http://${host}/worker.ts"), { ...options, rank: 2 });
  worker.start();
  clients = Promise.all([new ClientSyncTop(own, { ...options, rank: 1 }).run(), worker.join()]);
}
const { rounds, final } = await server.run();
await clients;
console.log(rounds.map(({ received }) => received).join(), (final?.accuracy ?? 0) > 0.85);
`;
}

/** The module of the other client, which lies beside the package. */
const WORKER = `
import { defineClient, digits, NativeSGDHandler, partitionIid } from "./mod.ts";
defineClient(async () => {
  const data = await digits();
  return new NativeSGDHandler({ data: data.select(partitionIid(data, 2, { seed: 1 })[1]!) });
});
`;

/** The address of a package, and what runs a module with the flags and the arguments given. */
interface User {
  readonly host: string;
  run(flags: string[], module: string, args?: string[]): Promise<string>;
  /** The same with a program of the user's own. */
  runProgram(flags: string[], program: string): Promise<string>;
  /** Puts a file into the user's folder. */
  write(name: string, text: string): Promise<void>;
}

async function asUser(test: (user: User) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await using server = await servePackage({ "worker.ts": WORKER });
    const { host, missed } = server;
    await writeConsumerConfig(folder, {
      imports: { "jsr:@std/log@0.224.14": `http://${host}/links/log/mod.ts` },
    });
    const env = await freshCache(folder);
    const run: User["run"] = async (flags, module, args = []) => {
      // A module from an address does not make Deno look for a configuration here.
      const own = ["run", "--config=deno.json", "--no-prompt", `--allow-import=${host}`];
      const { code, stdout, stderr } = await runDeno(
        [...own, ...flags, module, ...args],
        folder,
        env,
      );
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const runProgram: User["runProgram"] = async (flags, program) => {
      await Deno.writeTextFile(`${folder}/main.ts`, program);
      return await run(flags, "main.ts");
    };
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await test({ host, run, runProgram, write });
    assertEquals(missed, []);
  });
}

Deno.test("mod.ts and worker work by URL, in a program that needs no more than the network", () =>
  asUser(async ({ host, runProgram }) => {
    const output = await runProgram(["--allow-net=127.0.0.1"], federation(host));
    assertEquals(output, "2,2,2 true\n");
  }));

Deno.test("tfjs and tfjs-kernels work by URL", () =>
  asUser(async ({ host, runProgram }) => {
    const output = await runProgram(
      ["--allow-read", "--allow-env"],
      `
import { startBackend } from "http://${host}/src/tfjs/mod.ts";
import { installTrainingKernels } from "http://${host}/src/tfjs/kernels/mod.ts";
console.log(await startBackend("wasm"), typeof installTrainingKernels);
`,
    );
    assertEquals(output.trim().split("\n").at(-1), "wasm function");
  }));

Deno.test("cli works by URL, its workers too", () =>
  asUser(async ({ host, run }) => {
    const flags = ["--allow-net=127.0.0.1", "--allow-write"];
    const output = await run(flags, `http://${host}/src/cli/main.ts`, ["demo", "--rounds", "2"]);
    assertMatch(output, /accuracy \d\d\.\d\d% on 297 samples/);
    assertStringIncludes(output, "4/4");
  }));

Deno.test("cli by URL runs a client's module in a process that gets the package from there too", () =>
  asUser(async ({ host, run, write }) => {
    await write("own.ts", WORKER.replace("./mod.ts", `http://${host}/mod.ts`));
    const data = await digits();
    const model = mlp({ inputShape: data.shape, numClasses: data.numClasses });
    const listening = Promise.withResolvers<string>();
    const server = new ServerSyncTop(
      new SyncParameterServerHandler({ ...await initialParameters(model, 1), model }),
      {
        listen: "127.0.0.1:0",
        worldSize: 2,
        rounds: 1,
        logger: silentLogger,
        onEvent: (event) => event.type === "listening" && listening.resolve(event.address),
      },
    );
    const running = server.run();
    const address = await listening.promise;
    const args = ["--server", address, "--module", "own.ts", "--json", "-"];
    const flags = ["--allow-run=deno", "--allow-read=."];
    const output = await run(flags, `http://${host}/src/cli/main.ts`, ["client", ...args]);
    assertEquals(JSON.parse(output).rounds.length, 1);
    assertEquals((await running).rounds.map(({ received }) => received), [1]);
  }));
