import { isRecord } from "../base/json.ts";
import type { Rank } from "../base/rank.ts";
import { type LedgerContent, readLedger } from "../privacy/ledger/client_ledger.ts";
import type { Checkpoint } from "../store/checkpoint/checkpoints.ts";
import type { SimulationOptions } from "./options.ts";

/** Ledgers of the clients of a simulation, as part of the account beside its checkpoints. */
export type SavedLedgers = readonly {
  readonly ledger: LedgerContent;
  /** Clients with this ledger. */
  readonly ranks: readonly Rank[];
}[];

/** Groups clients by their ledgers, which many of them share. */
export function saveLedgers(contents: ReadonlyMap<Rank, LedgerContent>): SavedLedgers {
  const groups = new Map<string, { readonly ledger: LedgerContent; readonly ranks: Rank[] }>();
  for (const [rank, ledger] of contents) {
    const key = JSON.stringify(ledger), group = groups.get(key) ?? { ledger, ranks: [] };
    group.ranks.push(rank);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * Reads the ledgers that lie beside the checkpoint of a simulation.
 *
 * @returns Ledgers by rank; none for a run that begins, or whose clients have no ledgers.
 * @throws {RangeError} If the run had ledgers and goes on without, or the other way round, or has
 * fewer clients.
 * @throws {TypeError} If they are not valid.
 */
export function readLedgers(
  { resume, clientPrivacy }: Pick<SimulationOptions, "resume" | "clientPrivacy">,
  numClients: number,
): ReadonlyMap<Rank, LedgerContent> {
  const contents = new Map<Rank, LedgerContent>();
  if (resume === undefined) return contents;
  const saved = savedIn(resume);
  if (saved === undefined && clientPrivacy === undefined) return contents;
  if (saved === undefined || clientPrivacy === undefined) {
    throw new RangeError(
      `Cannot simulate: expected ${
        saved === undefined ? "no privacy" : "privacy"
      } of the clients, as in the rounds before the checkpoint of round ${resume.round}`,
    );
  }
  const unit = clientPrivacy.kind === "record" ? "record" : "client";
  for (const { ledger, ranks } of saved) {
    if (ledger.unit !== unit) {
      throw new RangeError(
        `Cannot simulate: expected ledgers about the unit ${unit} beside the checkpoint, got ${ledger.unit}`,
      );
    }
    for (const rank of ranks) {
      if (rank <= numClients) contents.set(rank, ledger);
      else throw new RangeError(`Cannot simulate: the checkpoint has a ledger of client ${rank}`);
    }
  }
  return contents;
}

function savedIn({ account }: Checkpoint): SavedLedgers | undefined {
  if (!isRecord(account) || !("clients" in account)) return undefined;
  const { clients } = account;
  const problem = "Cannot simulate: the ledgers beside the checkpoint are not valid";
  if (!Array.isArray(clients)) throw new TypeError(`${problem}: expected a list`);
  return clients.map((group: unknown) => {
    const { ledger, ranks } = isRecord(group) ? group : {};
    const isSound = Array.isArray(ranks) && ranks.every((rank) => Number.isSafeInteger(rank));
    if (!isSound) throw new TypeError(`${problem}: expected the ranks of a ledger`);
    return { ledger: readLedger(ledger), ranks };
  });
}
