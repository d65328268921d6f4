import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { SecureClient } from "../../src/secure/client/client.ts";
import { graphParameters } from "../../src/secure/graph.ts";
import type { UnmaskRequest } from "../../src/secure/messages.ts";
import { readSavedSession, type SavedSession } from "../../src/secure/server/saved_session.ts";
import { SecureSession } from "../../src/secure/server/session.ts";
import { clearSum, faultOf, inputsOf } from "./round.ts";

const ID = { round: 1, attempt: 7 };

/** Runs a round up to the requests for shares; the last member is lost before its update. */
async function closedRound(members: number) {
  const options = { members, ...ID }, inputs = inputsOf(options);
  const about = { run: "test", ...inputs, ...ID, minMembers: 3, graph: graphParameters };
  const session = new SecureSession(about), clients = new Map<number, SecureClient>();
  for (let rank = 1; rank <= members; rank++) {
    const client = new SecureClient({ run: "test", rank, policy: { minMembers: 3 } });
    clients.set(rank, client);
    await session.addKeys(rank, await client.keys());
  }
  for (const [rank, message] of session.closeKeys()) {
    const shares = await clients.get(rank)?.share(message, inputs);
    if (shares) session.addShares(rank, shares);
  }
  for (const [rank, boxes] of session.closeShares()) {
    await clients.get(rank)?.receive(boxes);
    const masked = await clients.get(rank)?.mask(ID, inputs.update(rank));
    if (masked && rank < members) session.addMasked(rank, masked);
  }
  return { session, requests: session.closeMasked(), clients, about, options };
}

const reveal = async (
  session: SecureSession,
  requests: Iterable<[number, UnmaskRequest]>,
  clients: ReadonlyMap<number, SecureClient>,
) => {
  for (const [rank, request] of requests) {
    const shares = await clients.get(rank)?.reveal(request);
    if (shares) session.addReveal(rank, shares);
  }
};

for (const members of [5, 40]) {
  Deno.test(`a session of ${members} that is saved after some reveals gives the same sum when it goes on`, async () => {
    const { session, requests, clients, about, options } = await closedRound(members);
    const { unmasking } = session, sums = unmasking.sums.slice();
    const saved: SavedSession = JSON.parse(JSON.stringify(await unmasking.save()));
    await reveal(session, [...requests].slice(0, 2), clients);

    const again = SecureSession.reopen(about, readSavedSession(saved), sums);
    assertEquals(again.unmasking.requests, requests);
    assertEquals(again.awaited.sort((a, b) => a - b), session.survivors);
    await reveal(again, again.unmasking.requests, clients);
    const { sums: sum, survivors, stages } = await again.finish();
    assertEquals(survivors, session.survivors);
    assertEquals(sum, clearSum(options, survivors));
    assertEquals([stages.members, stages.masked], [members, members - 1]);
  });
}

Deno.test("a session that is saved asks for no other shares than before", async () => {
  const { session, requests, clients, about } = await closedRound(5);
  const saved = await session.unmasking.save();
  await reveal(session, requests, clients);
  const digests = saved.digests.slice(1);
  const again = SecureSession.reopen(about, { ...saved, digests }, new Uint32Array(41));
  const [[rank, request] = [0, { ...ID, dropped: [] }]] = again.unmasking.requests;
  assertEquals(await faultOf(() => clients.get(rank)?.reveal(request)), "second-unmask");
});

Deno.test("readSavedSession() refuses what is no session", async () => {
  const saved = await (await closedRound(5)).session.unmasking.save();
  const wrong: unknown[] = [
    undefined,
    { ...saved, salt: "00" },
    { ...saved, threshold: 0 },
    { ...saved, members: [...saved.members, saved.members[0]] },
    { ...saved, members: [[1, "zz".repeat(32)]] },
    { ...saved, shared: [99] },
    { ...saved, digests: [[99, "00".repeat(32)]] },
    { ...saved, votes: [[1, "00"]] },
  ];
  for (const value of wrong) assertThrows(() => readSavedSession(value), TypeError);
  assertEquals(readSavedSession(saved), saved);
});
