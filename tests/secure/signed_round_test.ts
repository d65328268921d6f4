import { assertEquals } from "jsr:@std/assert@1.0.19";
import { SecureClient } from "../../src/secure/client/client.ts";
import type { Signer } from "../../src/secure/client/key_pairs.ts";
import { graphParameters } from "../../src/secure/graph.ts";
import type { SecureMembers } from "../../src/secure/messages.ts";
import { SecureSession } from "../../src/secure/server/session.ts";
import { clearSum, faultOf, inputsOf, secureRound } from "./round.ts";

const ID = { round: 1, attempt: 1 };

async function signersOf(members: number): Promise<Map<number, Signer>> {
  const signers = new Map<number, Signer>();
  for (let rank = 1; rank <= members; rank++) {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const { privateKey, publicKey } = pair as CryptoKeyPair;
    const raw = await crypto.subtle.exportKey("raw", publicKey);
    signers.set(rank, { privateKey, publicKey: new Uint8Array(raw) });
  }
  return signers;
}

const SIGNERS = await signersOf(40);
const LIST = new Set([...SIGNERS.values()].map(({ publicKey }) => publicKey.toHex()));
const POLICY = { isListed: (key: Uint8Array) => LIST.has(key.toHex()) };
const PUBLIC_KEYS = new Map([...SIGNERS].map(([rank, { publicKey }]) => [rank, publicKey]));

function signerOf(rank: number): Signer {
  const signer = SIGNERS.get(rank);
  if (signer === undefined) throw new Error(`no signer ${rank}`);
  return signer;
}

Deno.test("members with listed keys vote on the survivors, and give their sum", async () => {
  for (const members of [5, 40]) {
    const { sums, survivors } = await secureRound({
      members,
      publicKeys: PUBLIC_KEYS,
      client: (rank) => ({ policy: POLICY, signer: signerOf(rank) }),
      lost: new Map([[2, "masked"]]),
    });
    assertEquals(survivors.length, members - 1);
    assertEquals(sums, clearSum({ members }, survivors));
  }
});

/** Session of five members with keys, up to the masked updates of all but the ranks in `lost`. */
async function sceneOf(lost: readonly number[] = []) {
  const inputs = inputsOf({ members: 5 });
  const session = new SecureSession({
    ...{ run: "test", ...inputs, ...ID, minMembers: 5 },
    graph: graphParameters,
  });
  const clients = new Map([1, 2, 3, 4, 5].map((rank) => [
    rank,
    new SecureClient({ run: "test", rank, policy: POLICY, signer: signerOf(rank) }),
  ]));
  for (const [rank, client] of clients) {
    await session.addKeys(rank, await client.keys(), PUBLIC_KEYS.get(rank));
  }
  const members = session.closeKeys();
  const share = async () => {
    for (const [rank, client] of clients) {
      const message = members.get(rank);
      if (message) session.addShares(rank, await client.share(message, inputs));
    }
    for (const [rank, boxes] of session.closeShares()) {
      const client = clients.get(rank);
      await client?.receive(boxes);
      const masked = await client?.mask(ID, inputs.update(rank));
      if (masked && !lost.includes(rank)) session.addMasked(rank, masked);
    }
    return session.closeMaskedForVotes();
  };
  const [client, message] = [clients.get(1), members.get(1)];
  if (client === undefined || message === undefined) throw new Error("no client 1");
  return { inputs, session, clients, client, message, share };
}

Deno.test("a client with a list refuses members without a listed key, or whose keys are not signed", async () => {
  const stranger = (await signersOf(1)).get(1);
  const change = async (
    change: (member: SecureMembers["members"][number]) => Partial<SecureMembers["members"][number]>,
  ) => {
    const { client, message, inputs } = await sceneOf();
    const members = message.members.map((one) => one.rank === 3 ? { ...one, ...change(one) } : one);
    return await faultOf(() => client.share({ ...message, members }, inputs));
  };
  assertEquals(await change(() => ({})), "none");
  assertEquals(
    await change(() => ({ publicKey: stranger?.publicKey ?? new Uint8Array(32) })),
    "unlisted-key",
  );
  // A server in the middle: keys of its own under the name of a member.
  assertEquals(await change(() => ({ maskKey: new Uint8Array(32).fill(9) })), "bad-signature");
  assertEquals(await change(({ serial }) => ({ serial: serial + 1 })), "bad-signature");
  assertEquals(await change(() => ({ signature: new Uint8Array(64) })), "bad-signature");
  const { client, message, inputs } = await sceneOf();
  const unsigned = message.members.map(({ rank, serial, maskKey, sealKey }) => {
    return { rank, serial, maskKey, sealKey };
  });
  const work = () => client.share({ ...message, members: unsigned }, inputs);
  assertEquals(await faultOf(work), "unlisted-key");
});

Deno.test("a client with a list refuses members of which two have one owner", async () => {
  const { client, message, inputs } = await sceneOf();
  // The server and the holder of one listed key, who stands in for another member.
  const other = new SecureClient({ run: "test", rank: 3, policy: POLICY, signer: signerOf(2) });
  const keys = { ...await other.keys(), publicKey: signerOf(2).publicKey };
  const members = message.members.map((one) => one.rank === 3 ? { rank: 3, ...keys } : one);
  const work = () => client.share({ ...message, members }, inputs);
  assertEquals(await faultOf(work), "repeated-key");
});

Deno.test("a client signs one list of survivors, with itself and without strangers", async () => {
  const { client, share } = await sceneOf([4]);
  await share();
  const vote = (survivors: number[]) => faultOf(() => client.vote({ ...ID, survivors }));
  assertEquals(await vote([2, 3, 4, 5]), "dropped-self");
  assertEquals(await vote([3, 2, 1, 5]), "dropped-self");
  assertEquals(await vote([1, 2]), "too-few-survivors");
  assertEquals(await vote([1, 2, 3, 5]), "none");
  assertEquals(await vote([1, 2, 3, 5]), "none");
  assertEquals(await vote([1, 2, 3, 4, 5]), "wrong-stage");
});

Deno.test("of two lists of survivors at once a client signs one", async () => {
  const { client, share } = await sceneOf([]);
  await share();
  const vote = (survivors: number[]) => faultOf(() => client.vote({ ...ID, survivors }));
  const faults = await Promise.all([vote([1, 2, 3, 5]), vote([1, 2, 3, 4, 5]), vote([1, 2, 3, 5])]);
  assertEquals(faults, ["none", "wrong-stage", "none"]);
});

Deno.test("a client reveals nothing without the votes of its neighbours for the same list", async () => {
  const { session, clients, client, share } = await sceneOf([4]);
  const lists = await share();
  assertEquals(await faultOf(() => client.reveal({ ...ID, dropped: [4] })), "wrong-stage");
  for (const [rank, list] of lists) {
    const vote = await clients.get(rank)?.vote(list);
    if (vote) session.addVote(rank, vote);
  }
  const request = session.closeVotes().get(1);
  if (request === undefined) throw new Error("no request");
  const votes = request.votes ?? [];
  const reveal = (change: object) => faultOf(() => client.reveal({ ...request, ...change }));
  assertEquals(await reveal({ votes: [] }), "too-few-votes");
  assertEquals(await reveal({ votes: votes.slice(1) }), "too-few-votes");
  // One voter four times, and votes under other names.
  assertEquals(await reveal({ votes: votes.map(() => votes[0]) }), "too-few-votes");
  const renamed = votes.map((vote, i) => ({ ...vote, rank: votes.at(i - 1)?.rank }));
  assertEquals(await reveal({ votes: renamed }), "too-few-votes");
  assertEquals(await reveal({ dropped: [] }), "dropped-stranger");
  assertEquals(await reveal({ dropped: [4, 5] }), "dropped-stranger");
  assertEquals(await reveal({}), "none");
});

Deno.test("without enough votes the attempt ends", async () => {
  const { session, client, share } = await sceneOf();
  const list = (await share()).get(1);
  if (list !== undefined) session.addVote(1, await client.vote(list));
  assertEquals(session.awaited, [2, 3, 4, 5]);
  assertEquals(await faultOf(() => session.closeVotes()), "too-few-votes");
});
