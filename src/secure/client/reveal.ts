import { SecureError } from "../errors.ts";
import type { Member, SecureMembers, UnmaskRequest } from "../messages.ts";
import { type Bytes, verify } from "../primitives.ts";
import { signedSurvivors } from "../salt.ts";
import type { SharePair } from "./boxes.ts";
import { LEAST_MEMBERS } from "./policy.ts";

/** State of a member that is asked for shares. */
export interface Holder {
  readonly rank: number;
  readonly session: SecureMembers;
  /** Shares by the rank of their owner: of the neighbours that shared, and of itself. */
  readonly shares: ReadonlyMap<number, SharePair>;
}

/**
 * Returns the shares that a server may have: of each member either the mask key or the seed, never
 * both. By the form of the request no member is on both sides.
 *
 * @throws {SecureError} If the request names members that cannot have dropped, or too few survive.
 */
export function sharesFor({ rank, session, shares }: Holder, { dropped }: UnmaskRequest): Bytes[] {
  const lost = new Set(dropped);
  if (lost.has(rank)) {
    throw new SecureError(
      "dropped-self",
      "Cannot reveal shares: the server names this client as dropped",
    );
  }
  if (lost.size < dropped.length) {
    throw new SecureError(
      "dropped-twice",
      `Cannot reveal shares: expected each rank once among the dropped, got ${dropped.join(", ")}`,
    );
  }
  const strangers = dropped.filter((other) => !shares.has(other));
  if (strangers.length > 0) {
    throw new SecureError(
      "dropped-stranger",
      `Cannot reveal shares: expected neighbours that shared, got ${strangers.join(", ")}`,
      { ranks: strangers },
    );
  }
  checkSurvivors(shares.size - lost.size, session.threshold);
  return session.members.flatMap(({ rank: owner }) => {
    const pair = shares.get(owner);
    return pair === undefined ? [] : [lost.has(owner) ? pair.maskKey : pair.seed];
  });
}

/**
 * Checks a list of survivors that a member is to sign.
 *
 * @throws {SecureError} If the member or the order is missing, if it names members that never
 * shared, or if too few survive.
 */
export function checkList({ rank, session, shares }: Holder, survivors: readonly number[]): void {
  const isSorted = survivors.every((it, i) => i === 0 || it > (survivors[i - 1] ?? 0));
  if (!isSorted || !survivors.includes(rank)) {
    throw new SecureError(
      "dropped-self",
      "Cannot sign the survivors: expected ranks in ascending order, this client's among them",
    );
  }
  const alive = new Set(survivors);
  const around = session.members.map((member) => member.rank).filter((it) => alive.has(it));
  const ghosts = around.filter((other) => !shares.has(other));
  if (ghosts.length > 0) {
    throw new SecureError(
      "dropped-stranger",
      `Cannot sign the survivors: members that never shared are among them: ${ghosts.join(", ")}`,
      { ranks: ghosts },
    );
  }
  checkSurvivors(around.length, session.threshold);
}

/** Checks that the survivors around a member are at least as many as the threshold. */
function checkSurvivors(survivors: number, threshold: number): void {
  const least = Math.max(threshold, LEAST_MEMBERS);
  if (survivors >= least) return;
  throw new SecureError(
    "too-few-survivors",
    `Cannot reveal shares: expected ${least} survivors among the neighbours, got ${survivors}`,
  );
}

/**
 * Checks that as many neighbours as the threshold have signed the list of survivors that this
 * client signed, and that the request is about it.
 *
 * @throws {SecureError} "too-few-votes", or "dropped-stranger" where the request differs.
 */
export async function checkVotes(
  { session, shares }: Holder,
  request: UnmaskRequest,
  { run, survivors }: { readonly run: string; readonly survivors: readonly number[] },
): Promise<void> {
  const alive = new Set(survivors);
  const expected = new Set([...shares.keys()].filter((owner) => !alive.has(owner)));
  const isSame = expected.size === request.dropped.length &&
    request.dropped.every((owner) => expected.has(owner));
  if (!isSame) {
    throw new SecureError(
      "dropped-stranger",
      "Cannot reveal shares: the dropped members are not those of the list that was voted on",
      { ranks: request.dropped },
    );
  }
  const text = await signedSurvivors(run, session, survivors);
  const members = new Map(session.members.map((member) => [member.rank, member]));
  const voters = new Map((request.votes ?? []).map(({ rank, signature }) => [rank, signature]));
  const checks = [...voters].map(([rank, signature]) =>
    isVote(alive.has(rank) ? members.get(rank) : undefined, signature, text)
  );
  const votes = (await Promise.all(checks)).filter((isValid) => isValid).length;
  if (votes >= session.threshold) return;
  throw new SecureError(
    "too-few-votes",
    `Cannot reveal shares: expected ${session.threshold} votes for the survivors, got ${votes}`,
  );
}

async function isVote(voter: Member | undefined, signature: Bytes, text: Bytes): Promise<boolean> {
  return voter?.publicKey !== undefined && await verify(voter.publicKey, signature, text);
}
