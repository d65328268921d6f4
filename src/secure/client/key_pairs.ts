import type { Member, SecureKeys } from "../messages.ts";
import { type AgreementPair, type Bytes, generateAgreementPair, sign } from "../primitives.ts";
import { signedKeys } from "../salt.ts";

/** Identity of a client with an Ed25519 key. */
export interface Signer {
  /** Private key. */
  readonly privateKey: CryptoKey;
  /** Public key, 32 bytes. */
  readonly publicKey: Bytes;
}

/** Key pairs for one attempt, and the message that names them. */
export interface AttemptPairs {
  readonly mask: AgreementPair;
  readonly seal: AgreementPair;
  readonly message: SecureKeys;
}

/** Most pairs that wait for an attempt: those sent last. */
const MOST_WAITING = 2;

/** Key pairs of a client: new ones for each attempt, which are used once. */
export class KeyPairs {
  readonly #owner: { readonly run: string; readonly rank: number; readonly signer?: Signer };
  readonly #waiting = new Map<number, AttemptPairs>();
  #serial = 0;

  /** Creates the key pairs of a client of a run. */
  constructor(owner: { readonly run: string; readonly rank: number; readonly signer?: Signer }) {
    this.#owner = owner;
  }

  /** Makes new pairs and the message for the server. */
  async make(): Promise<SecureKeys> {
    const { run, rank, signer } = this.#owner;
    const serial = ++this.#serial;
    const [mask, seal] = await Promise.all([
      generateAgreementPair(true),
      generateAgreementPair(false),
    ]);
    const keys = { serial, maskKey: mask.publicKey, sealKey: seal.publicKey };
    const message: SecureKeys = signer === undefined ? keys : {
      ...keys,
      signature: await sign(signer.privateKey, signedKeys(run, rank, keys)),
    };
    this.#waiting.set(serial, { mask, seal, message });
    for (const old of this.#waiting.keys()) {
      if (old <= serial - MOST_WAITING) this.#waiting.delete(old);
    }
    return message;
  }

  /** Takes the pairs that a list of members names; they and all before them are used up. */
  take(members: readonly Member[]): AttemptPairs | undefined {
    const serial = members.find(({ rank }) => rank === this.#owner.rank)?.serial ?? -1;
    const pairs = this.#waiting.get(serial);
    if (pairs !== undefined) {
      for (const old of this.#waiting.keys()) if (old <= serial) this.#waiting.delete(old);
    }
    return pairs;
  }
}
