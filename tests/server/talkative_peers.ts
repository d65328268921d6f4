/**
 * Server whose peers leave in each round with the longest reason, and rejoin: measures its
 * checkpoints and its history.
 *
 *     deno run -A tests/server/talkative_peers.ts --rounds 5000 --peers 30
 */
import { parseArgs } from "node:util";
import {
  CheckpointStore,
  MessageCode,
  type Rank,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";

/** Reason of 4,096 characters of three bytes. */
const LAST_WORDS = "€".repeat(4096);
const MANIFEST = vectorManifest(4);

/** Bytes after each round. */
export interface Sizes {
  readonly checkpoint: number[];
  readonly history: number[];
}

/** Called for each client that has joined. */
class Handler extends SyncParameterServerHandler {
  joined: (rank: Rank) => void = () => {};

  override onJoin(rank: Rank, numSamples: number): void {
    super.onJoin(rank, numSamples);
    this.joined(rank);
  }

  /** Selection of all clients in each round, also of those that have left often. */
  override paused(): readonly Rank[] {
    return [];
  }
}

/**
 * Runs the server in a folder; in each round the first client answers after all others have left
 * and rejoined.
 */
export async function talk(folder: string, rounds: number, peers: number): Promise<Sizes> {
  const sizes: Sizes = { checkpoint: [], history: [] };
  const handler = new Handler({
    manifest: MANIFEST,
    parameters: new Float32Array(4),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const { promise: listening, resolve: listens } = Promise.withResolvers<string>();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: peers + 2,
    rounds,
    quorum: 1 / (peers + 1),
    checkpoints: new CheckpointStore(folder, { keep: 1 }),
    logger: silentLogger,
    // These connections are the experiment, and no flood.
    limits: { arrivalsPerSecond: 1_000_000, arrivalsAtOnce: 1_000_000 },
    onEvent: (event) => {
      if (event.type === "listening") listens(event.address);
      if (event.type !== "checkpoint") return;
      sizes.checkpoint.push(Deno.statSync(event.path).size);
      sizes.history.push(Deno.statSync(`${folder}/history.jsonl`).size);
    },
  });
  const running = server.run();
  const address = await listening;
  const honest = await Peer.connect(address);
  await honest.join({ rank: 1 });
  const join = async (rank: Rank) => {
    const peer = await Peer.connect(address);
    await peer.join({ rank });
    return peer;
  };
  const ranks = Array.from({ length: peers }, (_, i) => i + 2);
  let talkers = await Promise.all(ranks.map(join));
  for (let round = 1; round <= rounds; round++) {
    await honest.until(MessageCode.ParameterUpdate);
    await Promise.all(talkers.map(async (talker) => {
      await talker.until(MessageCode.ParameterUpdate);
      const payload = { fault: "handler-failed", message: LAST_WORDS, fatal: true };
      await talker.send({ code: MessageCode.Error, payload });
      await talker[Symbol.asyncDispose]();
    }));
    const { promise: back, resolve } = Promise.withResolvers<void>();
    let joined = 0;
    handler.joined = () => ++joined === peers && resolve();
    talkers = await Promise.all(ranks.map(join));
    await back;
    await honest.update(round);
  }
  for (const peer of [honest, ...talkers]) {
    await peer.until(MessageCode.Exit);
    await peer.send({ code: MessageCode.Exit, payload: { reason: "the run is over" } });
    await peer[Symbol.asyncDispose]();
  }
  await running;
  return sizes;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5000" },
      peers: { type: "string", default: "30" },
    },
  });
  const folder = await Deno.makeTempDir();
  const began = performance.now();
  const { checkpoint, history } = await talk(folder, Number(values.rounds), Number(values.peers));
  const growth = history.map((size, i) => size - (history[i - 1] ?? 0));
  console.log(JSON.stringify({
    seconds: Math.round((performance.now() - began) / 1000),
    rounds: checkpoint.length,
    checkpointBytes: { first: checkpoint[0], largest: Math.max(...checkpoint) },
    historyBytes: {
      all: history.at(-1),
      smallest: Math.min(...growth),
      largest: Math.max(...growth),
    },
  }));
  await Deno.remove(folder, { recursive: true });
}
