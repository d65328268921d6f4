import { whyNotAllowed } from "../../auth/allowed_keys.ts";
import { publicKeyBytes } from "../../auth/public_key.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { SecureClientOptions } from "../../secure/client/client.ts";
import type { ClientTopologyOptions } from "../options.ts";

/** Returns the conditions of a client, and the key by which it signs. */
export function identityOf(
  { secureMinMembers: minMembers, secureKeys, credential }: Pick<
    ClientTopologyOptions,
    "secureMinMembers" | "secureKeys" | "credential"
  >,
): Pick<SecureClientOptions, "policy" | "signer"> {
  const isListed = secureKeys &&
    ((key: Uint8Array) => {
      const text = key.toBase64({ alphabet: "base64url", omitPadding: true });
      return whyNotAllowed(secureKeys, text, runtime.clock.unixMillis()) === undefined;
    });
  return {
    policy: { ...(minMembers !== undefined && { minMembers }), ...(isListed && { isListed }) },
    ...(credential?.kind === "key" && {
      signer: {
        privateKey: credential.privateKey,
        publicKey: publicKeyBytes(credential.publicKey),
      },
    }),
  };
}
