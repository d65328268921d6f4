import {
  AsyncParameterServerHandler,
  type ClientUpdate,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { UpdateOrigin } from "../../src/round/mod.ts";
import type { ParameterUpdatePayload } from "../../src/wire/mod.ts";
import { honestUpdate } from "./honest.ts";

/** An update as the server took it in, copied. */
export type TakenUpdate = ClientUpdate;

function copyOf(rank: number, payload: ParameterUpdatePayload): TakenUpdate {
  const { parameters, numSamples = 1, steps, loss, metrics } = payload;
  return {
    rank,
    numSamples,
    parameters: parameters.slice(),
    ...(steps !== undefined && { steps }),
    ...(loss !== undefined && { loss }),
    ...(metrics !== undefined && { metrics }),
  };
}

/**
 * The handler of a synchronous server, which remembers what it took in since the round's last try
 * began.
 */
export class SyncRecorder extends SyncParameterServerHandler {
  readonly taken = new Map<number, TakenUpdate>();

  override beginRound(round: number, numClients: number): void {
    this.taken.clear();
    super.beginRound(round, numClients);
  }

  override onReceive(sender: number, payload: ParameterUpdatePayload): void {
    this.taken.set(sender, copyOf(sender, payload));
    super.onReceive(sender, payload);
  }
}

/**
 * The handler of an asynchronous server, which compares each honest update with what it has to be.
 */
export class AsyncRecorder extends AsyncParameterServerHandler {
  /** What differs, in words. */
  differences: string[] = [];
  /** Ranks whose updates are compared. */
  honest: ReadonlySet<number> = new Set();

  override onReceive(
    sender: number,
    payload: ParameterUpdatePayload,
    origin: UpdateOrigin,
  ): boolean {
    if (this.honest.has(sender)) {
      const { round, parameters } = payload;
      const expected = honestUpdate(origin.base, { rank: sender, round, rule: undefined });
      if (!parameters.every((x, i) => x === expected[i])) {
        this.differences.push(`the update of rank ${sender} for task ${round} is not what it sent`);
      }
    }
    return super.onReceive(sender, payload, origin);
  }
}
