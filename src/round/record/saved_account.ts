import { isRecord } from "../../base/json.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";

/**
 * Adds the account that lies beside a checkpoint to that of a private run. It is there from the
 * first save on: only the very first checkpoint may be without, of a run that was killed then.
 *
 * @throws {TypeError} If it is missing.
 */
export function addSavedAccount(
  privacy: Pick<PrivacyTerms, "addAccount">,
  { account: saved, round }: Pick<Checkpoint, "account" | "round">,
): void {
  // A simulation whose clients have ledgers keeps them there too.
  const account = isRecord(saved) && "clients" in saved ? saved.central : saved;
  if (account !== undefined) return privacy.addAccount(account);
  if (round <= 1) return;
  throw new TypeError(
    `Cannot go on with a private run: expected its account beside the checkpoint of round ${round}, got none`,
  );
}
