import { assert, assertEquals, assertMatch, assertNotEquals } from "jsr:@std/assert@1.0.19";
import { DatabaseSync } from "node:sqlite";
import type { Status } from "../../examples/deploy/federation.ts";
import { lockedPage } from "../../examples/deploy/page.ts";
import {
  initialParameters,
  loadDataset,
  mlp,
  NativeSGDHandler,
  partitionIid,
  readSafetensors,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { sha256Hex } from "../../src/base/hash.ts";
import { parseCodec } from "../../src/codec/mod.ts";
import { inFolder, RunningCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = await Deno.realPath(`${import.meta.dirname}/../..`);
const ROUNDS = 6;

/** The command in the comment at an example's top, one word each, with another port. */
async function commandOf(module: string, port: number): Promise<string[]> {
  const text = await Deno.readTextFile(`${ROOT}/${module}`);
  const [, command = ""] = /^ \* {5}deno (.+)$/m.exec(text) ?? [];
  assertMatch(command, / 9000 |:9000 /);
  return command.replaceAll("9000", `${port}`).replace(module, `${ROOT}/${module}`).split(" ");
}

function start(args: string[], cwd: string, env: Record<string, string> = {}): RunningCommand {
  return new RunningCommand(
    new Deno.Command(Deno.execPath(), {
      args,
      cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1", ...env },
    }).spawn(),
    cwd,
  );
}

/** How the coordinator is started by its command, so that it keeps its run there. */
interface Store {
  readonly name: string;
  readonly change: (args: string[], folder: string) => string[];
  readonly env: (folder: string) => Record<string, string>;
}

const KV: Store = {
  name: "Deno KV",
  change: ([serve = "", ...args], folder) => [
    serve,
    `--allow-read=${folder}`,
    `--allow-write=${folder}`,
    ...args,
  ],
  env: (folder) => ({ FEDLAB_STORE: `${folder}/kv` }),
};

const FOLDER: Store = {
  name: "its folder, where there is no KV",
  change: ([serve = "", ...args]) => [
    serve,
    "--allow-read=checkpoints",
    "--allow-write=checkpoints",
    ...args.filter((arg) => arg !== "--unstable-kv"),
  ],
  env: () => ({}),
};

/** A deployment on one port: a coordinator that can be stopped and started, and its clients. */
class Deployment implements AsyncDisposable {
  readonly #store: Store;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #port = freePort();
  /** Those that have not left. */
  readonly clients: RunningCommand[] = [];
  coordinator: RunningCommand | undefined;

  constructor(
    store: Store,
    folder: string,
    { rounds = ROUNDS, token = "", uplink = "", downlink = "", secure = "", clients = 2 } = {},
  ) {
    this.#store = store;
    this.#folder = folder;
    this.#env = {
      FEDLAB_ROUNDS: `${rounds}`,
      ...(token && { FEDLAB_TOKEN: token }),
      ...(uplink && { FEDLAB_UPLINK: uplink }),
      ...(downlink && { FEDLAB_DOWNLINK: downlink }),
      ...(secure && { FEDLAB_SECURE: secure }),
      FEDLAB_CLIENTS: `${clients}`,
      ...store.env(folder),
    };
  }

  /** Starts the coordinator; until there is a request it does nothing. */
  async start(): Promise<RunningCommand> {
    const args = await commandOf("examples/deploy/coordinator.ts", this.#port);
    this.coordinator = start(
      // Unlike `deno run`, it looks for its configuration in the working folder alone.
      [
        "serve",
        `--config=${ROOT}/deno.json`,
        "--no-lock",
        "--no-prompt",
        ...this.#store.change(args, this.#folder).slice(1),
      ],
      this.#folder,
      this.#env,
    );
    await this.coordinator.said(/Listening on http/);
    return this.coordinator;
  }

  /** Takes the coordinator's process away, without a word to it. */
  async kill(): Promise<void> {
    this.coordinator?.process.kill("SIGKILL");
    await this.coordinator?.outcome;
  }

  async client(part: string, token?: string): Promise<RunningCommand> {
    const args = await commandOf("examples/deploy/client.ts", this.#port);
    assertEquals(args.slice(1, 3), ["--no-prompt", `--allow-net=127.0.0.1:${this.#port}`]);
    const [run = "", ...others] = args.slice(0, -1);
    const client = token === undefined
      ? start([run, ...others, part], this.#folder)
      : start([run, "--allow-env=FEDLAB_TOKEN", ...others, part], this.#folder, {
        FEDLAB_TOKEN: token,
      });
    this.clients.push(client);
    return client;
  }

  async get(path: string, authorization?: string): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      headers: authorization === undefined ? {} : { authorization },
    });
  }

  async status(authorization?: string): Promise<Status> {
    return await (await this.get("/status", authorization)).json();
  }

  /** Ends what a failed test has left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const command of [this.coordinator, ...this.clients]) {
      try {
        command?.process.kill("SIGKILL");
      } catch { /* it has ended */ }
      await command?.outcome;
    }
  }

  /** Waits until the clients have left of themselves. */
  async left(): Promise<void> {
    for (const { outcome } of this.clients.splice(0)) {
      const { code, stdout, stderr } = await outcome;
      assertEquals(code, 0, stderr);
      assertMatch(stdout, /The server says: the run is over/);
    }
  }
}

/** The digest of an undisturbed run. */
let undisturbed: string | undefined;

Deno.test("coordinator.ts runs a federation of clients that may do nothing but talk to it", () =>
  inFolder(async (folder) => {
    await using deployment = new Deployment(FOLDER, folder);
    const coordinator = await deployment.start();
    // All of them begin it, and it begins once.
    const early = await Promise.all(Array.from({ length: 5 }, () => deployment.status()));
    const waiting = { state: "waiting", round: 0, rounds: ROUNDS, joined: [], clients: 2 } as const;
    assertEquals(early, Array.from({ length: 5 }, () => waiting));
    const tooEarly = await deployment.get("/model.safetensors");
    assertEquals([tooEarly.status, await tooEarly.text()], [404, "The run is not over yet\n"]);
    await deployment.client("1/2");
    await coordinator.said(/1 of 2 clients joined/);
    assertEquals(await deployment.status(), { ...waiting, joined: [1] });
    await deployment.client("2/2");
    await deployment.left();
    const { accuracy = 0, modelDigest = "", ...rest } = await deployment.status();
    assertEquals(rest, { ...waiting, state: "finished", round: ROUNDS });
    assert(accuracy > 0.9);
    undisturbed = modelDigest;
    const page = await (await deployment.get("/")).text();
    for (const part of [`<td>${ROUNDS} of ${ROUNDS}`, `<td>${modelDigest}`, "/model.safetensors"]) {
      assert(page.includes(part), part);
    }
    const file = `${folder}/model.safetensors`;
    await Deno.writeFile(file, await (await deployment.get("/model.safetensors")).bytes());
    assertEquals(await sha256Hex((await readSafetensors(file)).parameters), modelDigest);
    const strange = await deployment.get("/strange");
    assertEquals([strange.status, await strange.text()], [404, "Not found\n"]);
    await deployment.kill();
    const { stdout } = await coordinator.outcome;
    assertEquals(stdout.match(/Listening on websocket/g)?.length, 1);
  }));

for (const store of [KV, FOLDER]) {
  Deno.test(`coordinator.ts with ${store.name} goes on after each kill, and ends with the model of an undisturbed run`, () =>
    inFolder(async (folder) => {
      await using deployment = new Deployment(store, folder);
      let coordinator = await deployment.start();
      await deployment.client("1/2");
      await coordinator.said(/1 of 2 clients joined/);
      await deployment.kill();
      coordinator = await deployment.start();
      await coordinator.said(/1 of 2 clients joined/);
      await deployment.client("2/2");
      for (const round of [1, 3]) {
        await coordinator.said(new RegExp(`Round ${round} of ${ROUNDS}`));
        await deployment.kill();
        coordinator = await deployment.start();
      }
      await deployment.left();
      const finished = await deployment.status();
      assertEquals([finished.state, finished.round], ["finished", ROUNDS]);
      assertNotEquals(undisturbed, undefined);
      assertEquals(finished.modelDigest, undisturbed);
      await deployment.kill();
      const { stdout } = await coordinator.outcome;
      assert(
        !stdout.includes(`Round 1 of ${ROUNDS}`) && stdout.includes(`Round ${ROUNDS} of`),
        stdout,
      );
      // All that is known from here on is what was kept.
      await deployment.start();
      assertEquals(await deployment.status(), finished);
      assertEquals((await (await deployment.get("/model.safetensors")).bytes()).length, 19_608);
    }));
}

Deno.test("coordinator.ts with codecs goes on after a kill, and ends with the model of a run in one process", () =>
  inFolder(async (folder) => {
    const rounds = 2, uplink = "eden:bits=1", downlink = "int8";
    const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
    const handler = new SyncParameterServerHandler({
      ...{ ...await initialParameters(model, 1), model, seed: 1 },
      plan: { epochs: 2, batchSize: 10, learningRate: 0.1 },
      ...{ uplink: parseCodec(uplink), downlink: parseCodec(downlink) },
    });
    const { train, test: testData = train } = await loadDataset("digits");
    const clients = partitionIid(train, 2, { seed: 1 })
      .map((rows) => new NativeSGDHandler({ data: train.select(rows), testData }));
    const { modelDigest } = await runSync(handler, { clients, rounds });

    await using deployment = new Deployment(KV, folder, { rounds, uplink, downlink });
    const coordinator = await deployment.start();
    for (const part of ["1/2", "2/2"]) await deployment.client(part);
    await coordinator.said(/Round 1 of/);
    await deployment.kill();
    await deployment.start();
    await deployment.left();
    assertEquals((await deployment.status()).modelDigest, modelDigest);
  }));

Deno.test("coordinator.ts with secure aggregation ends with the model of a run in one process", () =>
  inFolder(async (folder) => {
    const rounds = 2, parts = 3;
    const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
    const handler = new SyncParameterServerHandler({
      ...{ ...await initialParameters(model, 1), model, seed: 1 },
      plan: { epochs: 2, batchSize: 10, learningRate: 0.1 },
      secureAggregation: { minMembers: 3 },
    });
    const { train, test: testData = train } = await loadDataset("digits");
    const clients = partitionIid(train, parts, { seed: 1 })
      .map((rows) => new NativeSGDHandler({ data: train.select(rows), testData }));
    const client = () => ({ secureMinMembers: 3 });
    const { modelDigest } = await runSync(handler, { clients, rounds, client });

    await using deployment = new Deployment(KV, folder, {
      rounds,
      clients: parts,
      secure: "min=3",
    });
    await deployment.start();
    for (const part of ["1/3", "2/3", "3/3"]) await deployment.client(part);
    await deployment.left();
    assertEquals((await deployment.status()).modelDigest, modelDigest);
  }));

Deno.test("coordinator.ts with a token lets in who knows it, and tells who comes late that the run is over", () =>
  inFolder(async (folder) => {
    const token = "a token of some length";
    await using deployment = new Deployment(KV, folder, { rounds: 1, token });
    await deployment.start();
    const stranger = await deployment.client("1/2");
    const { code, stderr } = await stranger.outcome;
    assertEquals(code, 1);
    assertMatch(stderr, /not-authorized|credential|token/);
    deployment.clients.length = 0;
    for (const part of ["1/2", "2/2"]) await deployment.client(part, token);
    await deployment.left();
    await deployment.kill();
    await deployment.start();
    const late = await deployment.client("2/2", token);
    const end = await late.outcome;
    assertEquals(end.code, 1);
    assertMatch(end.stderr, /the server ended the run: the run is over/);
    assertEquals(end.stderr.match(/^ +at |Uncaught/m), null, end.stderr);
    deployment.clients.length = 0;
    const key = `Bearer ${await sha256Text(`fedlab.read:${token}`)}`;
    assertEquals((await deployment.status(key)).round, 1);
  }));

async function sha256Text(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

Deno.test("coordinator.ts with a token shows the run to nobody who does not know it", () =>
  inFolder(async (folder) => {
    const token = "a token of some length";
    await using deployment = new Deployment(KV, folder, { rounds: 1, token });
    const coordinator = await deployment.start();
    const key = await sha256Text(`fedlab.read:${token}`);
    const refused = [
      undefined,
      "",
      "Bearer ",
      key,
      `Bearer ${token}`,
      `Bearer ${await sha256Text(token)}`,
      `Bearer ${key}0`,
      `Bearer ${key.slice(1)}`,
      `Basic ${btoa(`:${token}`)}`,
    ];
    for (const path of ["/status", "/model.safetensors", "/strange"]) {
      for (const authorization of refused) {
        const response = await deployment.get(path, authorization);
        assertEquals([response.status, await response.text()], [
          401,
          "Expected the token's key for reading\n",
        ]);
      }
    }
    const page = await (await deployment.get("/")).text();
    assertMatch(page, /type="password"/);
    assert(!page.includes("none yet"), page);
    // Those who may not read have not even begun the run.
    const status = await deployment.status(`Bearer ${key}`);
    assertEquals([status.state, status.clients], ["waiting", 2]);
    const shown = await deployment.get("/", `Bearer ${key}`);
    assertMatch(shown.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    assertMatch(await shown.text(), /none yet/);
    const argument = await deployment.client("1/2");
    assertEquals((await argument.outcome).code, 1);
    deployment.clients.length = 0;
    await deployment.kill();
    const { stdout } = await coordinator.outcome;
    assertEquals(stdout.match(/Listening on websocket/g)?.length, 1);
  }));

Deno.test("lockedPage() asks with the key that coordinator.ts takes, and puts no text in as HTML", () => {
  const page = lockedPage();
  assert(page.includes(`encode("fedlab.read:" + token)`), page);
  assert(!/innerHTML|outerHTML|insertAdjacent|document\.write/.test(page), page);
});

Deno.test("client.ts takes no token as an argument", () =>
  inFolder(async (folder) => {
    const args = await commandOf("examples/deploy/client.ts", 9);
    const { code, stderr } = await start([...args, "a token of some length"], folder).outcome;
    assertEquals(code, 2);
    assertMatch(stderr, /^Expected an address and a part such as 1\/2; the token is read from FED/);
  }));

/** Kinds of damage to a run in Deno KV, and what becomes of it. */
const DAMAGE: Readonly<Record<string, { sql: string; goesOn: boolean }>> = {
  "an undecodable entry": {
    sql:
      "update kv set v = x'fe', v_encoding = 1 where k = (select k from kv where hex(k) like ? order by k limit 1)",
    goesOn: true,
  },
  "no entry that can be decoded": {
    sql: "update kv set v = x'fe', v_encoding = 1 where hex(k) like ?",
    goesOn: false,
  },
  "no chunks": { sql: "delete from kv where hex(k) like ?", goesOn: false },
};

for (const [what, { sql, goesOn }] of Object.entries(DAMAGE)) {
  Deno.test(`coordinator.ts ${goesOn ? "goes on" : "refuses to begin anew"} over a run with ${what}`, () =>
    inFolder(async (folder) => {
      await using deployment = new Deployment(KV, folder, { rounds: 3 });
      await deployment.start();
      for (const part of ["1/2", "2/2"]) await deployment.client(part);
      await deployment.left();
      const { modelDigest } = await deployment.status();
      await deployment.kill();
      {
        using database = new DatabaseSync(`${folder}/kv`);
        const word = new TextEncoder().encode(what === "no chunks" ? "chunk" : "whole").toHex();
        assert(database.prepare(sql).run(`%${word.toUpperCase()}%`).changes > 0);
      }
      const coordinator = await deployment.start();
      for (let request = 0; request < 2; request++) {
        const response = await deployment.get("/status");
        assertEquals(response.status, goesOn ? 200 : 500);
        if (goesOn) assertEquals((await response.json()).modelDigest, modelDigest);
        else assertEquals(await response.text(), "The federation cannot begin\n");
      }
      await deployment.kill();
      const { stderr, stdout } = await coordinator.outcome;
      if (goesOn) assertMatch(stderr, /Cannot read a value of kv:digits\/whole.*passing it over/);
      else assertMatch(stderr, /Cannot begin: there is a run already, and none of its checkpoints/);
      assert(!stdout.includes("Round 1 of"), stdout);
    }));
}
