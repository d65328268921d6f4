import {
  agree,
  boxKey,
  type Bytes,
  derive,
  generateAgreementPair,
  open,
  randomBytes,
  seal,
} from "../../src/secure/primitives.ts";

const KEY_BYTES = 32, BOX_TEXT_BYTES = 74, INFO_BYTES = 76;

/**
 * Makes the calls of WebCrypto of the members of a round of secure aggregation, each the neighbour
 * of all others, at once in this process and without anything else of the protocol: what a round
 * takes longer at least.
 *
 * @returns Milliseconds.
 */
export async function secureCalls(members: number): Promise<number> {
  const salt = randomBytes(KEY_BYTES), info = randomBytes(INFO_BYTES);
  const text = randomBytes(BOX_TEXT_BYTES), others = Array.from({ length: members - 1 });
  const start = performance.now();
  await Promise.all(Array.from({ length: members }, async () => {
    const pairs = [generateAgreementPair(true), generateAgreementPair(false)] as const;
    const [mask, box] = await Promise.all(pairs);
    await Promise.all(others.map(() => correspond(box.privateKey, box.publicKey)));
    await Promise.all(others.map(async () => {
      await derive(await agree(mask.privateKey, mask.publicKey), salt, info);
    }));
  }));
  return performance.now() - start;

  /** Shares with a neighbour, and reads what it shares. */
  async function correspond(privateKey: CryptoKey, publicKey: Bytes): Promise<void> {
    const secret = await agree(privateKey, publicKey);
    const box = await seal(await boxKey(secret, salt, info), text, salt);
    const opened = await open(await boxKey(secret, salt, info), box, salt);
    if (opened?.length !== BOX_TEXT_BYTES) throw new Error("a box does not open");
  }
}
