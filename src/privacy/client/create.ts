import type { ClientPrivacy } from "../../train/client_privacy.ts";
import type { LedgerStore } from "../ledger/client_ledger.ts";
import { DPSGD } from "./dp_sgd.ts";
import { LocalPrivacy } from "./local_privacy.ts";
import type { ClientPrivacyChoice } from "./parse.ts";

/** Makes the privacy that a choice describes. */
export function createClientPrivacy(
  { kind, ...options }: ClientPrivacyChoice,
  store?: LedgerStore,
): ClientPrivacy {
  const all = { ...options, ...(store && { store }) };
  return kind === "record" ? new DPSGD(all) : new LocalPrivacy(all);
}
