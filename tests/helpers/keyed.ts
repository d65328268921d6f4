import { type Credential, MessageCode, readPrivateKey } from "../../mod.ts";
import { answerChallenge, generateKeyPair, writePrivateKey } from "../../src/auth/mod.ts";
import type { IdAssignmentPayload, RegistrationPayload } from "../../src/wire/mod.ts";
import { inFolder } from "./command.ts";
import type { Peer } from "./peer.ts";

/** A key's holder. */
export type KeyCredential = Extract<Credential, { kind: "key" }>;

/** New keys. */
export async function makeCredentials(count: number): Promise<KeyCredential[]> {
  return await inFolder(async (folder) => {
    const made: KeyCredential[] = [];
    for (let n = 0; n < count; n++) {
      const { privateKeyPem } = await generateKeyPair();
      await writePrivateKey(`${folder}/${n}`, privateKeyPem);
      made.push(await readPrivateKey(`${folder}/${n}`));
    }
    return made;
  });
}

/** Registers a peer and proves its key; the server's answer is still to come. */
export async function proveKey(
  peer: Peer,
  credential: Credential,
  payload: Partial<RegistrationPayload> = {},
): Promise<void> {
  await peer.register(payload);
  const challenge = await peer.until(MessageCode.Challenge);
  await peer.send({
    code: MessageCode.Proof,
    payload: await answerChallenge(credential, challenge),
  });
}

/** Proves its key, and sends `Ready` after the assignment. */
export async function joinWithKey(
  peer: Peer,
  credential: Credential,
  payload: Partial<RegistrationPayload> = {},
): Promise<IdAssignmentPayload> {
  await proveKey(peer, credential, payload);
  const assignment = await peer.until(MessageCode.IdAssignment);
  const { manifestDigest } = assignment;
  await peer.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples: 1 } });
  return assignment;
}
