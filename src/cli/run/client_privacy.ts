import { parseClientPrivacy } from "../../privacy/client/parse.ts";
import type { ClientPrivacy } from "../../train/client_privacy.ts";
import { UsageError } from "../options/option.ts";

/** Values of the options about a client's own privacy. */
interface ClientPrivacyFlags {
  readonly clientPrivacy?: string;
  readonly privacyLedger?: string;
  readonly module?: string;
}

/** Privacy of a client, with its ledger's lock. */
export interface HeldPrivacy extends Disposable {
  readonly privacy?: ClientPrivacy;
}

/**
 * Makes the privacy that the options describe.
 *
 * @throws {UsageError} If the ledger is missing, or the handler is a module's.
 */
export async function clientPrivacyFrom(
  { clientPrivacy, privacyLedger, module }: ClientPrivacyFlags,
): Promise<HeldPrivacy> {
  if (clientPrivacy === undefined) {
    if (privacyLedger === undefined) return { [Symbol.dispose]() {} };
    throw new UsageError("expected --client-privacy with --privacy-ledger");
  }
  if (module !== undefined) {
    throw new UsageError("expected no --client-privacy with --module: the module decides");
  }
  const { createClientPrivacy } = await import("../../privacy/client/create.ts");
  const choice = parseClientPrivacy(clientPrivacy);
  if (privacyLedger === undefined && choice.noiseSeed === undefined) {
    throw new UsageError(
      "expected --privacy-ledger, a file that outlasts the client, with --client-privacy: what is spent on its data counts in all runs",
    );
  }
  if (privacyLedger === undefined) {
    return { privacy: createClientPrivacy(choice), [Symbol.dispose]() {} };
  }
  const { LedgerFile } = await import("../../privacy/ledger/ledger_file.ts");
  const store = new LedgerFile(privacyLedger);
  return {
    privacy: createClientPrivacy(choice, store),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}
