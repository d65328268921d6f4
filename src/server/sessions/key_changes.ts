import { runtime } from "../../base/runtime/runtime.ts";
import { entryOf, type KeyListChange, whyNotAllowed } from "../../auth/allowed_keys.ts";
import { fingerprintOf } from "../../auth/public_key.ts";
import { type Gatekeeper, publicKeyOf } from "../../auth/challenge.ts";
import type { Rank } from "../../base/rank.ts";

/** Rank that was freed because its key may not have it. */
export interface RevokedRank {
  readonly rank: Rank;
  readonly reason: string;
  /** Set if a client had the rank, or was expected back. */
  readonly wasTaken: boolean;
}

/** Maximum number of keys of one kind that a line of the log names; the others are counted. */
const MOST_NAMED = 5;

/**
 * Gives the reason for which an identity is not allowed, or may not have that rank; `undefined`
 * when it may. An identity without a key always may.
 */
export function whyNotSeated(
  gatekeeper: Gatekeeper,
  identity: string,
  rank?: Rank,
): string | undefined {
  const key = publicKeyOf(identity);
  if (gatekeeper.kind !== "keys" || key === undefined) return undefined;
  const { allowed } = gatekeeper;
  const reason = whyNotAllowed(allowed, key, runtime.clock.unixMillis());
  if (reason !== undefined || rank === undefined) return reason;
  const { rank: only = rank } = entryOf(allowed, key);
  if (only !== rank) return `the list gives the key ${key} rank ${only}, not ${rank}`;
  const holder = allowed.holderOf?.(rank) ?? key;
  return holder === key ? undefined : `the list gives rank ${rank} to another key`;
}

/** Describes a change of the list of keys: a line for the log, and the fingerprints. */
export async function describeChange(
  change: KeyListChange,
): Promise<Record<"added" | "removed" | "changed", string[]> & { text: string }> {
  const describe = async (word: string, keys: KeyListChange["added"]) => {
    const fingerprints = await Promise.all([...keys.keys()].map(fingerprintOf));
    const named = [...keys.values()].slice(0, MOST_NAMED)
      .map(({ name }, i) => `${fingerprints[i]}${name === "" ? "" : ` ${JSON.stringify(name)}`}`);
    const others = keys.size - named.length;
    if (others > 0) named.push(`${others} more`);
    const list = named.length === 0 ? "" : ` (${named.join(", ")})`;
    return { fingerprints, text: `${keys.size} ${word}${list}` };
  };
  const added = await describe("added", change.added);
  const removed = await describe("struck off", change.removed);
  const changed = await describe("changed", change.changed);
  return {
    added: added.fingerprints,
    removed: removed.fingerprints,
    changed: changed.fingerprints,
    text:
      `The list of allowed keys was read again: ${added.text}, ${removed.text}, ${changed.text}`,
  };
}
