import type { SecureRandom, WebCrypto } from "../../base/runtime/runtime.ts";
import { systemCrypto } from "../../base/runtime/web.ts";
import type { VirtualProcess } from "../virtual_process.ts";

/** Virtual time that a call takes, in milliseconds. */
const CALL_MILLIS = 0.05;
/** PKCS #8 form of private keys, without their last 32 bytes: RFC 8410, section 7. */
const PRIVATE_KEY_HEADS: Readonly<Record<string, string>> = {
  X25519: "302e020100300506032b656e04220420",
  Ed25519: "302e020100300506032b657004220420",
};

/**
 * Returns WebCrypto for a process: the real one, whose results come at a fixed virtual time. New
 * keys of X25519 and Ed25519 are made from the random values of the process.
 */
export function virtualCrypto(process: VirtualProcess, random: SecureRandom): WebCrypto {
  const later = <Result>(work: Promise<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      let settle: () => void = () => {};
      const ready = work.then(
        (result) => void (settle = () => resolve(result)),
        (error) => void (settle = () => reject(error)),
      );
      process.after(CALL_MILLIS, () => settle(), ready);
    });
  const { subtle } = systemCrypto;
  const generate = async (...args: Parameters<SubtleCrypto["generateKey"]>) => {
    const [algorithm, isExtractable, usages] = args;
    const name = typeof algorithm === "string" ? algorithm : algorithm.name;
    const head = PRIVATE_KEY_HEADS[name];
    if (head === undefined) return await subtle.generateKey(algorithm, isExtractable, usages);
    const secret = random.getRandomValues(new Uint8Array(32));
    return await keyPair(name, Uint8Array.fromHex(head + secret.toHex()), isExtractable, usages);
  };
  return {
    subtle: new Proxy(subtle, {
      get(_, name: keyof SubtleCrypto) {
        if (name === "generateKey") {
          return (...args: Parameters<SubtleCrypto["generateKey"]>) => later(generate(...args));
        }
        const call: unknown = subtle[name];
        if (typeof call !== "function") return call;
        return (...args: unknown[]) => later(Promise.resolve(Reflect.apply(call, subtle, args)));
      },
    }),
  };
}

async function keyPair(
  name: string,
  pkcs8: Uint8Array<ArrayBuffer>,
  isExtractable: boolean,
  usages: Iterable<KeyUsage>,
): Promise<CryptoKeyPair> {
  const { subtle } = systemCrypto;
  const all = [...usages];
  const ofPublicKeys = all.filter((usage) => usage === "verify");
  const ofPrivateKeys = all.filter((usage) => usage !== "verify");
  const form: KeyUsage[] = name === "X25519" ? ["deriveBits"] : ["sign"];
  const known = await subtle.importKey("pkcs8", pkcs8, { name }, true, form);
  const { kty, crv, x } = await subtle.exportKey("jwk", known);
  const described = {
    ...(kty !== undefined && { kty }),
    ...(crv !== undefined && { crv }),
    ...(x !== undefined && { x }),
  };
  return {
    publicKey: await subtle.importKey("jwk", described, { name }, true, ofPublicKeys),
    privateKey: await subtle.importKey("pkcs8", pkcs8, { name }, isExtractable, ofPrivateKeys),
  };
}
