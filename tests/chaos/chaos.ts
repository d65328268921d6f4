import { CheckpointStore, type RunReport } from "../../mod.ts";
import { federate, type Federation } from "./federation.ts";
import { pause } from "./supervised.ts";
import { onSmallDisk, type SmallDisk } from "../helpers/small_disk.ts";
import { type ChaosPlan, FRAME_BYTES, isAsync, type Step } from "./plan.ts";

const LOOK_MILLIS = 20;

/** How a federation is troubled, and where it runs. */
export interface ChaosOptions {
  readonly plan: ChaosPlan;
  /** Folder for the runs. */
  readonly folder: string;
  /** Told what happens. */
  readonly log: (line: string) => void;
}

/** What came of it. */
export interface ChaosOutcome {
  readonly plan: ChaosPlan;
  /** The run's report. */
  readonly report: RunReport;
  /** Digest of the same run left alone; of a run without rounds there is none. */
  readonly undisturbed: string | undefined;
  /** Number of steps that were done before the run was over. */
  readonly done: number;
  readonly kills: { readonly server: number; readonly client: number };
  /** What is wrong with the checkpoint that is left, in words. */
  readonly checkpointFault: string | undefined;
}

/** A step in words. */
export function stepText({ trouble, client, millis }: Step): string {
  const whom = client === undefined ? "" : ` of client ${client + 1}`;
  return `${trouble}${whom}${millis === undefined ? "" : ` (${millis} ms)`}`;
}

/** Names of the checkpoints, the newest first. */
async function checkpointsIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".safetensors")) names.push(name);
    }
  } catch { /* there is none yet */ }
  return names.sort().reverse();
}

async function newestRound(folder: string): Promise<number> {
  return Number(/\d+/.exec((await checkpointsIn(folder))[0] ?? "")?.[0] ?? 0);
}

/**
 * Tears a server's newest checkpoint: cut off in one half of the cases, a byte changed in the
 * other.
 */
async function tear(folder: string, at: number): Promise<void> {
  const [name] = await checkpointsIn(folder);
  if (name === undefined) return;
  const path = `${folder}/${name}`;
  const bytes = await Deno.readFile(path);
  const place = Math.floor(at * bytes.length);
  if (place % 2 === 0) await Deno.writeFile(path, bytes.subarray(0, place));
  else {
    bytes[place] = (bytes[place] ?? 0) ^ 0xFF;
    await Deno.writeFile(path, bytes);
  }
}

/** Makes it impossible to save a checkpoint for a while. */
async function takeDiskAway(folder: string, millis: number): Promise<void> {
  try {
    await Deno.rename(folder, `${folder}.away`);
  } catch {
    return; // There is none yet.
  }
  await Deno.writeTextFile(folder, "");
  await pause(millis);
  await Deno.remove(folder);
  await Deno.rename(`${folder}.away`, folder);
}

/** Does the steps of a plan, one after the other. */
class Disturbance {
  readonly kills = { server: 0, client: 0 };
  done = 0;
  readonly #federation: Federation;
  readonly #frameBytes: number;
  /** The disk that the disturbed run is on; none where none could be mounted. */
  readonly #disk: SmallDisk | undefined;
  /** The newest checkpoint when one was torn last. */
  #torn: string | undefined;

  constructor(federation: Federation, { settings }: ChaosPlan, disk: SmallDisk | undefined) {
    this.#federation = federation;
    this.#frameBytes = FRAME_BYTES[settings.model];
    this.#disk = disk;
  }

  async do({ trouble, client = 0, millis = 0, at = 0 }: Step): Promise<void> {
    const { server, clients, proxies, checkpoints, reveals } = this.#federation;
    const proxy = proxies[client];
    switch (trouble) {
      case "kill server":
        this.kills.server++;
        server.kill();
        return await pause(millis);
      case "kill server at a reveal":
        await Promise.race([reveals?.next, server.ended.catch(() => {})]);
        await pause(millis);
        this.kills.server++;
        return server.kill();
      case "kill client":
        this.kills.client++;
        clients[client]?.kill();
        return;
      case "kill server, tear its checkpoint": {
        this.kills.server++;
        // The only one, or two in a row, would be more than the server promises to do without.
        const [name, older] = await checkpointsIn(checkpoints);
        const isBearable = older !== undefined && name !== this.#torn;
        this.#torn = name;
        server.kill(isBearable ? () => tear(checkpoints, at) : undefined);
        return;
      }
      case "stop server":
        return await server.freeze(millis);
      case "stop client":
        return await clients[client]?.freeze(millis);
      case "cut":
        return proxy?.cut();
      case "cut inside a frame":
        return proxy?.cutAfter(1 + Math.floor(at * this.#frameBytes));
      case "hold":
      case "cut off":
        proxy?.hold(pause(millis));
        return;
      case "cut all off":
        for (const one of proxies) one.hold(pause(millis));
        return;
      case "slow down":
        if (proxy !== undefined) proxy.delayMillis = millis;
        return;
      case "take the disk away":
        return await takeDiskAway(checkpoints, millis);
      case "fill the disk":
        if (this.#disk === undefined) return await takeDiskAway(checkpoints, millis);
        await this.#disk.fill();
        await pause(millis);
        return await this.#disk.empty();
    }
  }
}

/**
 * Runs a federation of a server and its clients, each a process, and meanwhile kills processes and
 * troubles connections as the plan says; each that was killed
 * is started again. Then says what came of it beside the same run left alone.
 */
export async function chaos({ plan, folder, log }: ChaosOptions): Promise<ChaosOutcome> {
  const { settings, rounds, steps } = plan;
  let undisturbed: string | undefined;
  if (!isAsync(settings)) {
    log(`a run of ${rounds} rounds, left alone`);
    ({ modelDigest: undisturbed } = await federate(plan, `${folder}/undisturbed`));
  }
  log(`the same run, with ${steps.length} troubles`);
  let outcome: ChaosOutcome | undefined;
  const disturb = async (path: string, disk?: SmallDisk) => {
    outcome = { ...await disturbed({ plan, path, disk, log }), undisturbed };
  };
  const path = `${folder}/disturbed`;
  if (steps.some(({ trouble }) => trouble === "fill the disk")) {
    await onSmallDisk(path, (disk) => disturb(path, disk));
  }
  // Where no disk can be mounted, it is taken away instead.
  if (outcome === undefined) await disturb(path);
  if (outcome === undefined) throw new Error("There is no outcome");
  return outcome;
}

async function disturbed({ plan, path, disk, log }: {
  plan: ChaosPlan;
  path: string;
  disk: SmallDisk | undefined;
  log: (line: string) => void;
}): Promise<Omit<ChaosOutcome, "undisturbed">> {
  let disturbance: Disturbance | undefined;
  const report = await federate(plan, path, async (federation) => {
    const began = performance.now();
    const one = disturbance = new Disturbance(federation, plan, disk);
    await pause(300);
    for (const step of plan.steps) {
      const { atRound = 0 } = step;
      while (!federation.isOver() && await newestRound(federation.checkpoints) < atRound) {
        await pause(LOOK_MILLIS);
      }
      await pause(step.afterMillis);
      if (federation.isOver()) return;
      log(`${((performance.now() - began) / 1000).toFixed(1)} s: ${stepText(step)}`);
      await one.do(step);
      one.done++;
    }
  });
  const { kills = { server: 0, client: 0 }, done = 0 } = disturbance ?? {};
  const checkpointFault = await faultOfCheckpoint(`${path}/run/checkpoints`, plan.rounds);
  return { plan, report, done, kills, checkpointFault };
}

async function faultOfCheckpoint(folder: string, rounds: number): Promise<string | undefined> {
  const warnings: string[] = [];
  const store = new CheckpointStore(folder, { onWarning: (text) => warnings.push(text) });
  const round = (await store.latest())?.round;
  if (round !== rounds) return `the newest checkpoint is of round ${round} of ${rounds}`;
  return undefined;
}

/** What is wrong with an outcome, in a line each; nothing when all is well. */
export function faultsOf(outcome: ChaosOutcome): string[] {
  const { plan, report, undisturbed, done, checkpointFault } = outcome;
  const { settings: { clients, quorum, hostile }, steps } = plan;
  const rounds = report.rounds.map(({ round }) => round);
  const honest = new Set(Array.from({ length: clients }, (_, i) => i + 1));
  // Only a client that is cut off for longer than its rank is kept may be missing.
  const mayMiss = new Set(
    steps.filter(({ trouble }) => trouble === "cut off").map(({ client = 0 }) => client + 1),
  );
  const missing = report.rounds.flatMap(({ round, cohort, losses }) => [
    ...losses.map(({ rank, reason }) => ({ round, rank, reason })),
    ...[...honest].filter((rank) => undisturbed !== undefined && !cohort.includes(rank))
      .map((rank) => ({ round, rank, reason: "it was not chosen" })),
  ]).filter(({ rank }) => honest.has(rank));
  const isWhole = missing.length === 0 &&
    report.rounds.every(({ received }) => undisturbed === undefined || received === clients);
  return [
    ...(done < steps.length ? [`the run was over after ${done} of ${steps.length} troubles`] : []),
    ...(rounds.length !== plan.rounds || rounds.some((round, i) => round !== i + 1)
      ? [`rounds are missing or stand twice: ${rounds}`]
      : []),
    ...(report.rounds.some(({ cohort, received }) => received > cohort.length)
      ? ["an update was counted twice"]
      : []),
    ...missing.filter(({ rank }) => quorum === 1 || !mayMiss.has(rank)).map((
      { round, rank, reason },
    ) => `round ${round} went on without client ${rank}, which came back: ${reason}`),
    ...(undisturbed !== undefined && isWhole && report.modelDigest !== undisturbed
      ? [`the model is ${report.modelDigest}, left alone it is ${undisturbed}`]
      : []),
    ...(checkpointFault === undefined ? [] : [checkpointFault]),
    ...(hostile && report.rounds.every(({ losses }) => losses.every(({ rank }) => honest.has(rank)))
      ? ["the hostile client is named nowhere"]
      : []),
  ];
}
