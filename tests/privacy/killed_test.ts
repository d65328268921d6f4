/** Private runs that are killed at any point: what is told twice is counted twice. */
import { assert, assertEquals } from "@std/assert";
import {
  Dataset,
  initialParameters,
  logisticRegression,
  type RunReport,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { replaceRuntime } from "../../src/base/runtime/runtime.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import { type ClientPoolOptions, InProcessPool, type RoundInput } from "../../src/sim/mod.ts";
import { CheckpointStore } from "../../src/store/checkpoint/files/checkpoint_store.ts";
import { inFolder } from "../helpers/command.ts";
import { Mortal } from "../helpers/mortal.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 6, ROUNDS = 2;
const data = new Dataset(
  Float32Array.from({ length: 48 }, (_, i) => Math.sin(i * i)),
  Int32Array.from({ length: 24 }, (_, i) => i % 3),
  [2],
  3,
);
const parts = Array.from({ length: CLIENTS }, (_, part) => [0, 1, 2, 3].map((i) => 4 * part + i));
const model = logisticRegression({ inputShape: [2], numClasses: 3 });
const initial = await initialParameters(model, 1);
const bitsOf = (vector: Float32Array) => new Uint8Array(vector.slice().buffer).toHex();

/** Mechanisms, and the one whose clients clip and whose server sees sums alone. */
const MECHANISMS = ["ftrl", "fedavg", "ftrl on masked sums"] as const;
type Mechanism = typeof MECHANISMS[number];

/** Models that somebody outside of the server has seen, with the cohort of each. */
type Told = Map<string, readonly number[]>;

/** Runs a simulation, or goes on with it, until its process dies or the run ends. */
async function run(
  folder: string,
  name: Mechanism,
  told: Told,
  process = new Mortal(),
): Promise<RunReport | undefined> {
  const resume = await new CheckpointStore(folder).latest();
  const isMasked = name === "ftrl on masked sums", mechanism = isMasked ? "ftrl" : name;
  const members = isMasked ? 3 : 2;
  const handler = new SyncParameterServerHandler({
    ...{ ...initial, model, fraction: members / CLIENTS },
    strategy: new CentralPrivacy({
      ...{ mechanism, noise: 8, delta: 1e-3, clients: CLIENTS, cohort: members },
      // Room for rounds that are made again.
      rounds: 2 * ROUNDS,
    }),
    ...(isMasked && { secureAggregation: { minMembers: members } }),
  });
  let cohort: readonly number[] = [];
  /** Notes that the clients, or whoever evaluates, see the model. */
  const tell = () => {
    process.step();
    const bits = bitsOf(handler.parameters);
    if (bits !== bitsOf(initial.parameters)) told.set(bits, told.get(bits) ?? cohort);
  };
  const pool = async (options: ClientPoolOptions) => {
    const inner = await InProcessPool.start(options);
    return {
      publish: (input: RoundInput) => (tell(), inner.publish(input)),
      run: inner.run.bind(inner),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  };
  const simulation = new Simulation(handler, {
    ...{ train: data, test: data, parts, rounds: ROUNDS, pool, ...(resume && { resume }) },
    checkpoints: new CheckpointStore(folder, { keep: 2 }),
    onEvent: (event) => {
      if (event.type === "round-started") cohort = event.cohort;
      if (event.type === "round-ended") tell();
    },
  });
  using _ = replaceRuntime({ files: process.files() });
  return await simulation.run().catch(async (error) => {
    if (!process.isDead) throw error;
    // What a failed run reports is told too, unless the process is gone.
    await simulation.report();
    return undefined;
  });
}

/** Checks that the account of a run covers all that was told. */
function checkCounted({ privacy }: RunReport, told: Told, what: string): void {
  assert((privacy?.releases ?? 0) >= told.size, `${what}: ${privacy?.releases} of ${told.size}`);
  if (privacy?.mechanism !== "ftrl") return;
  for (let rank = 1; rank <= CLIENTS; rank++) {
    const times = told.values().reduce((sum, cohort) => sum + Number(cohort.includes(rank)), 0);
    assert(times <= (privacy.participationsMost ?? 0), `${what}: rank ${rank} ${times} times`);
  }
}

async function damageNewest(folder: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const newest = names.filter((name) => name.startsWith("round-")).sort().at(-1);
  if (newest !== undefined) await Deno.truncate(`${folder}/${newest}`, 100);
}

for (const mechanism of MECHANISMS) {
  Deno.test(`a run by ${mechanism} that is killed at a step tells no round twice`, async () => {
    for (let last = 0;; last += 3) {
      const isOver = await inFolder(async (folder) => {
        const told: Told = new Map(), process = new Mortal(last);
        const whole = await run(folder, mechanism, told, process);
        const report = whole ?? await run(folder, mechanism, told);
        assert(report !== undefined);
        // Nothing is told twice, and nothing is counted that was not told.
        assertEquals([told.size, report.privacy?.releases], [ROUNDS, ROUNDS], `step ${last}`);
        assertEquals(report.rounds.length, ROUNDS);
        assert(report.rounds.every(({ loss }) => loss !== undefined));
        checkCounted(report, told, `step ${last}`);
        return whole !== undefined;
      });
      if (isOver) break;
    }
  });

  Deno.test(`a run by ${mechanism} whose last checkpoint is lost counts what it told`, async () => {
    let repeated = 0;
    for (let last = 0;; last += 5) {
      const isOver = await inFolder(async (folder) => {
        const told: Told = new Map();
        const whole = await run(folder, mechanism, told, new Mortal(last));
        const before = told.size;
        await Deno.mkdir(folder, { recursive: true });
        await damageNewest(folder);
        // Where no checkpoint is left there is no run to go on with.
        if (await new CheckpointStore(folder).latest() === undefined) return false;
        const report = await run(folder, mechanism, told);
        assert(report !== undefined);
        checkCounted(report, told, `step ${last}`);
        if (told.size > ROUNDS) repeated++;
        assert(told.size >= before);
        return whole !== undefined;
      });
      if (isOver) break;
    }
    assert(repeated > 0, "no round was made again");
  });
}
