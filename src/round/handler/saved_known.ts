import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { KnownClient } from "../selection/selection.ts";
import type { ClientTable } from "./known_view.ts";

/** Number of clients from which numbers of samples are saved as bytes. */
const MANY_CLIENTS = 1000;

/** Knowledge about clients in a checkpoint: all of them by rank, or of many the two parts. */
export type SavedKnown = [Rank, KnownClient][] | {
  readonly clients: [Rank, KnownClient][];
  /** Numbers of samples of ranks 1, 2, … as float64, little-endian, in base64. */
  readonly samples: string;
};

/** Converts the knowledge about clients to a form that can be written as JSON. */
export function saveKnown(
  all: Iterable<[Rank, KnownClient]>,
  { clients, samples, joined }: ClientTable,
): SavedKnown {
  if (joined < MANY_CLIENTS) return [...all];
  const bytes = new DataView(new ArrayBuffer(8 * joined));
  for (let i = 0; i < joined; i++) bytes.setFloat64(8 * i, samples[i] ?? 0, true);
  return {
    clients: [...clients].sort(([a], [b]) => a - b),
    samples: new Uint8Array(bytes.buffer).toBase64(),
  };
}

/**
 * Reads saved knowledge about clients.
 *
 * @param missStep Part of a miss of which numbers of misses are multiples.
 * @throws {TypeError} If it is something else.
 */
export function readKnown(
  saved: unknown,
  missStep: number,
): { readonly clients: readonly [Rank, KnownClient][]; readonly samples: Float64Array } {
  const { clients, samples = "" } = Array.isArray(saved) ? { clients: saved } : Object(saved);
  const numbers = readSamples(samples);
  const isEntry = (entry: unknown): entry is [Rank, KnownClient] => isKnown(entry, missStep);
  if (!Array.isArray(clients) || !clients.every(isEntry) || !numbers) {
    throw new TypeError(
      "Cannot resume from the checkpoint: expected what is known of each client, got something else",
    );
  }
  return { clients, samples: numbers };
}

function readSamples(text: unknown): Float64Array | undefined {
  if (typeof text !== "string") return undefined;
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
  if (bytes.length % 8 !== 0) return undefined;
  const view = new DataView(bytes.buffer);
  const numbers = Float64Array.from(
    { length: bytes.length / 8 },
    (_, i) => view.getFloat64(8 * i, true),
  );
  return numbers.every((number) => isCount(number) && number > 0) ? numbers : undefined;
}

function isKnown(entry: unknown, missStep: number): boolean {
  if (!Array.isArray(entry) || !isCount(entry[0]) || Object(entry[1]) !== entry[1]) return false;
  const { numSamples = 1, loss = 0, answered, dropped, lastRound } = entry[1] as KnownClient;
  const { misses = 0, pause = 0, norm = 0, work = 0 } = entry[1] as KnownClient;
  return [numSamples, answered, dropped, lastRound, pause].every(isCount) &&
    numSamples > 0 && Number.isFinite(loss) && isCount(misses / missStep) &&
    [norm, work].every((figure) => Number.isFinite(figure) && figure >= 0);
}
