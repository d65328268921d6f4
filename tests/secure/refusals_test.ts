import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { SecureClient } from "../../src/secure/client/client.ts";
import type { SecureMembers, SecureShares, UnmaskRequest } from "../../src/secure/messages.ts";
import { ringOf } from "../../src/secure/ring.ts";
import { SecureSession } from "../../src/secure/server/session.ts";
import { clearSum, faultOf, inputsOf } from "./round.ts";

const OPTIONS = { members: 5 };
const INPUTS = inputsOf(OPTIONS);
const ID = { round: 1, attempt: 1 };

/** Clients and a session of five members, up to a stage. */
class Scene {
  readonly clients = new Map<number, SecureClient>();
  session = sessionOf(ID);

  static async create(ranks = [1, 2, 3, 4, 5]): Promise<Scene> {
    const scene = new Scene();
    for (const rank of ranks) scene.clients.set(rank, new SecureClient({ run: "test", rank }));
    await scene.sendKeys();
    return scene;
  }

  async sendKeys(ranks: Iterable<number> = this.clients.keys()): Promise<void> {
    for (const rank of ranks) await this.session.addKeys(rank, await this.client(rank).keys());
  }

  client(rank: number): SecureClient {
    const client = this.clients.get(rank);
    if (client === undefined) throw new Error(`no client ${rank}`);
    return client;
  }

  /** Runs until the boxes are there; returns the message with the members of rank 1. */
  async share(): Promise<{ members: SecureMembers; boxes: Map<number, SecureShares> }> {
    const all = this.session.closeKeys();
    for (const [rank, message] of all) {
      this.session.addShares(rank, await this.client(rank).share(message, INPUTS));
    }
    return { members: of(all, 1), boxes: this.session.closeShares() };
  }

  /** Runs until the requests are there; the ranks in `lost` send no update. */
  async mask(lost: readonly number[] = [], id = ID): Promise<Map<number, UnmaskRequest>> {
    const { boxes } = await this.share();
    for (const [rank, message] of boxes) {
      await this.client(rank).receive(message);
      const masked = await this.client(rank).mask(id, INPUTS.update(rank));
      if (!lost.includes(rank)) this.session.addMasked(rank, masked);
    }
    return this.session.closeMasked();
  }
}

function sessionOf(id: { round: number; attempt: number }, minMembers = 3): SecureSession {
  return new SecureSession({
    ...{ run: "test", ...INPUTS, ...id, minMembers },
    graph: (members) => ({ degree: members - 1, threshold: Math.floor(members / 2) + 1 }),
  });
}

function of<T>(messages: ReadonlyMap<number, T>, rank: number): T {
  const message = messages.get(rank);
  if (message === undefined) throw new Error(`no message for rank ${rank}`);
  return message;
}

/** Fault of rank 1 for a changed list of members. */
async function faultOfMembers(
  change: (message: SecureMembers) => SecureMembers,
): Promise<string> {
  const scene = await Scene.create();
  const message = of(scene.session.closeKeys(), 1);
  return await faultOf(() => scene.client(1).share(change(message), INPUTS));
}

Deno.test("a client refuses members that are too few, and thresholds out of range", async () => {
  assertEquals(await faultOfMembers((it) => it), "none");
  const few = (it: SecureMembers) => ({
    ...it,
    members: it.members.toSorted((a, b) => a.rank - b.rank).slice(0, 4),
  });
  assertEquals(await faultOfMembers(few), "too-few-members");
  for (const threshold of [0, 2, 6, 3.5, NaN]) {
    assertEquals(
      await faultOfMembers((it) => ({ ...it, threshold })),
      "threshold-out-of-range",
      `${threshold}`,
    );
  }
});

Deno.test("a client refuses members with one key, low order, or its own keys altered", async () => {
  const withKey = (rank: number, key: "maskKey" | "sealKey", bytes: Uint8Array<ArrayBuffer>) =>
    faultOfMembers((it) => ({
      ...it,
      members: it.members.map((one) => one.rank === rank ? { ...one, [key]: bytes } : one),
    }));
  const zeros = new Uint8Array(32), one = Uint8Array.from(zeros, (_, i) => i === 0 ? 1 : 0);
  for (const key of ["maskKey", "sealKey"] as const) {
    assertEquals(await withKey(2, key, zeros), "low-order-key");
    assertEquals(await withKey(1, key, new Uint8Array(32).fill(9)), "own-keys-altered");
  }
  assertEquals(await withKey(2, "sealKey", one), "low-order-key");
  const doubled = await faultOfMembers((it) => {
    const [first] = it.members;
    return {
      ...it,
      members: it.members.map((member, i) =>
        i === 1 && first ? { ...member, maskKey: first.sealKey } : member
      ),
    };
  });
  assertEquals(doubled, "repeated-key");
  const without = await faultOfMembers((it) => ({
    ...it,
    members: it.members.map((member) => member.rank === 1 ? { ...member, rank: 9 } : member),
  }));
  assertEquals(without, "own-keys-altered");
});

Deno.test("a client refuses other members for an attempt, and repeats its boxes for the same", async () => {
  const scene = await Scene.create();
  const message = of(scene.session.closeKeys(), 1), client = scene.client(1);
  const shares = await client.share(message, INPUTS);
  assertEquals(await client.share(structuredClone(message), INPUTS), shares);
  const other = { ...message, threshold: 4 };
  assertEquals(await faultOf(() => client.share(other, INPUTS)), "second-members");
  // Keys serve once.
  const next = { ...message, attempt: 2 };
  assertEquals(await faultOf(() => client.share(next, INPUTS)), "own-keys-altered");
});

Deno.test("a client refuses a ring that its members do not fit", async () => {
  const scene = await Scene.create();
  const message = of(scene.session.closeKeys(), 1);
  const ring = ringOf({ clip: 4, maxSamples: 100, maxMembers: 4 });
  const work = () => scene.client(1).share(message, { ...INPUTS, ring });
  assertEquals(await faultOf(work), "ring-differs");
});

Deno.test("with another model or another ring at one client, no box opens", async () => {
  for (
    const other of [
      { ...INPUTS, vector: INPUTS.vector.with(3, 0) },
      { ...INPUTS, ring: ringOf({ clip: 4, maxSamples: 2 ** 20, maxMembers: 5 }) },
    ]
  ) {
    const scene = await Scene.create();
    for (const [rank, message] of scene.session.closeKeys()) {
      const inputs = rank === 2 ? other : INPUTS;
      scene.session.addShares(rank, await scene.client(rank).share(message, inputs));
    }
    const boxes = scene.session.closeShares();
    for (const rank of [1, 2]) {
      assertEquals(
        await faultOf(() => scene.client(rank).receive(of(boxes, rank))),
        "box-does-not-open",
      );
    }
  }
});

Deno.test("a client refuses boxes that are changed, misdirected, doubled or too few", async () => {
  const change = async (
    change: (it: SecureShares, all: Map<number, SecureShares>) => SecureShares,
  ) => {
    const scene = await Scene.create();
    const { boxes } = await scene.share();
    const fault = await faultOf(() => scene.client(1).receive(change(of(boxes, 1), boxes)));
    assertEquals(
      fault === "none",
      await faultOf(() => scene.client(1).mask(ID, INPUTS.update(1))) === "none",
    );
    return fault;
  };
  assertEquals(await change((it) => it), "none");
  const flipped = (it: SecureShares) => ({
    ...it,
    shares: it.shares.map(({ rank, box }) => ({
      rank,
      box: box.map((byte, i) => i === 50 ? byte ^ 1 : byte),
    })),
  });
  assertEquals(await change(flipped), "box-does-not-open");
  const short = (it: SecureShares) => ({
    ...it,
    shares: it.shares.map(({ rank, box }) => ({ rank, box: box.slice(1) })),
  });
  assertEquals(await change(short), "box-does-not-open");
  // The box for rank 2, passed to rank 1.
  assertEquals(
    await change((it, all) => ({
      ...it,
      shares: it.shares.map((share) =>
        share.rank !== 3 ? share : of(all, 2).shares.find(({ rank }) => rank === 3) ?? share
      ),
    })),
    "box-does-not-open",
  );
  const doubled = (it: SecureShares) => ({ ...it, shares: [...it.shares, ...it.shares] });
  assertEquals(await change(doubled), "box-misdirected");
  const strange = (it: SecureShares) => ({
    ...it,
    shares: it.shares.map((share) => ({ ...share, rank: share.rank + 10 })),
  });
  assertEquals(await change(strange), "box-misdirected");
  assertEquals(await change((it) => ({ ...it, shares: it.shares.slice(0, 1) })), "too-few-shares");
});

Deno.test("a client refuses requests for what a server must not have", async () => {
  const faultOfDropped = async (dropped: number[], lost: number[] = []) => {
    const scene = await Scene.create();
    await scene.mask(lost);
    return await faultOf(() => scene.client(1).reveal({ ...ID, dropped }));
  };
  assertEquals(await faultOfDropped([2], [2]), "none");
  assertEquals(await faultOfDropped([1]), "dropped-self");
  assertEquals(await faultOfDropped([9]), "dropped-stranger");
  assertEquals(await faultOfDropped([2, 2]), "dropped-twice");
  assertEquals(await faultOfDropped([2, 3, 4]), "too-few-survivors");
});

Deno.test("a member that never shared cannot be named as dropped", async () => {
  const scene = await Scene.create();
  for (const [rank, message] of scene.session.closeKeys()) {
    const shares = await scene.client(rank).share(message, INPUTS);
    if (rank !== 5) scene.session.addShares(rank, shares);
  }
  await scene.client(1).receive(of(scene.session.closeShares(), 1));
  await scene.client(1).mask(ID, INPUTS.update(1));
  const work = () => scene.client(1).reveal({ ...ID, dropped: [5] });
  assertEquals(await faultOf(work), "dropped-stranger");
});

Deno.test("a client reveals once: never both secrets of a member, never in a second attempt", async () => {
  const scene = await Scene.create();
  const requests = await scene.mask([2]);
  const client = scene.client(1), request = of(requests, 1);
  const first = await client.reveal(request);
  // The same request again, after a lost connection, says nothing new.
  assertEquals(await client.reveal(structuredClone(request)), first);
  for (const dropped of [[], [3], [2, 3]]) {
    assertEquals(await faultOf(() => client.reveal({ ...ID, dropped })), "second-unmask");
  }
  const secrets = new Set(first.shares.map((share) => share.toHex()));
  assertEquals([first.shares.length, secrets.size], [5, 5]);

  scene.session = sessionOf({ round: 1, attempt: 2 });
  await scene.sendKeys();
  const again = of(scene.session.closeKeys(), 1);
  assertEquals(await faultOf(() => client.share(again, INPUTS)), "revealed-already");
  // The next round is another one.
  scene.session = sessionOf({ round: 2, attempt: 1 });
  await scene.sendKeys();
  const next = of(scene.session.closeKeys(), 1);
  assertEquals(await faultOf(() => client.share(next, INPUTS)), "none");
});

Deno.test("two requests at once get one answer", async () => {
  const scene = await Scene.create();
  await scene.mask([2]);
  const asked = [[2], [3]].map((dropped) =>
    faultOf(() => scene.client(1).reveal({ ...ID, dropped }))
  );
  assertEquals(await Promise.all(asked), ["none", "second-unmask"]);
});

Deno.test("a round that nobody revealed is tried again, with the sum of the second attempt", async () => {
  const scene = await Scene.create();
  await scene.mask();
  const id = { round: 1, attempt: 2 };
  scene.session = sessionOf(id);
  await scene.sendKeys([1, 2, 4, 5]);
  scene.session = sessionOf(id, 3);
  await scene.sendKeys();
  for (const [rank, request] of await scene.mask([], id)) {
    scene.session.addReveal(rank, await scene.client(rank).reveal(request));
  }
  assertEquals((await scene.session.finish()).sums, clearSum(OPTIONS, [1, 2, 3, 4, 5]));
  // The first attempt is over.
  const late = () => scene.client(1).reveal({ ...ID, dropped: [] });
  assertEquals(await faultOf(late), "wrong-stage");
});

Deno.test("stages do not come out of order at a client", async () => {
  const scene = await Scene.create(), client = scene.client(1);
  const update = INPUTS.update(1);
  assertEquals(await faultOf(() => client.receive({ ...ID, shares: [] })), "wrong-stage");
  assertEquals(await faultOf(() => client.mask(ID, update)), "wrong-stage");
  assertEquals(await faultOf(() => client.reveal({ ...ID, dropped: [] })), "wrong-stage");
  const { boxes } = await scene.share();
  assertEquals(await faultOf(() => client.mask(ID, update)), "wrong-stage");
  assertEquals(await faultOf(() => client.reveal({ ...ID, dropped: [] })), "wrong-stage");
  await client.receive(of(boxes, 1));
  await client.receive(of(boxes, 1));
  const fewer = { ...of(boxes, 1), shares: of(boxes, 1).shares.slice(1) };
  assertEquals(await faultOf(() => client.receive(fewer)), "wrong-stage");
  const masked = await client.mask(ID, update);
  assert(await client.mask(ID, INPUTS.update(1)) === masked, "the same update again");
});

Deno.test("a server refuses keys that are malformed, of low order, or another client's", async () => {
  const session = sessionOf(ID), [a, b] = [1, 2].map((rank) => new SecureClient({ run: "", rank }));
  assert(a && b);
  const keys = await a.keys();
  const zeros = new Uint8Array(32);
  const add = (rank: number, keys: Parameters<SecureSession["addKeys"]>[1]) =>
    faultOf(() => session.addKeys(rank, keys));
  assertEquals(await add(1, { ...keys, maskKey: zeros }), "low-order-key");
  assertEquals(await add(2, keys), "none");
  assertEquals(await add(2, keys), "none");
  assertEquals(await add(2, await b.keys()), "repeated-key");
  assertEquals(await add(3, { ...await b.keys(), sealKey: keys.maskKey }), "repeated-key");
  assertEquals(await add(4, { ...keys, maskKey: zeros.slice(1) }), "malformed");
  assertEquals(await faultOf(() => session.closeKeys()), "too-few-members");
});

Deno.test("a server refuses messages that do not fit, come late, or from strangers", async () => {
  const scene = await Scene.create(), { session } = scene;
  const all = session.closeKeys();
  assertEquals(session.awaited.toSorted(), [1, 2, 3, 4, 5]);
  const shares = new Map<number, SecureShares>();
  for (const [rank, message] of all) {
    shares.set(rank, await scene.client(rank).share(message, INPUTS));
  }
  const one = of(shares, 1);
  assertEquals(await faultOf(() => session.addShares(9, one)), "unknown-member");
  const short = { ...one, shares: one.shares.slice(1) };
  assertEquals(await faultOf(() => session.addShares(1, short)), "malformed");
  assertEquals(await faultOf(() => session.addShares(2, one)), "malformed");
  for (const [rank, message] of shares) if (rank < 5) session.addShares(rank, message);
  assertEquals(session.awaited, [5]);
  const boxes = session.closeShares();
  assertEquals(await faultOf(() => session.addShares(5, of(shares, 5))), "wrong-stage");
  const masked = new Map<number, Awaited<ReturnType<SecureClient["mask"]>>>();
  for (const [rank, message] of boxes) {
    await scene.client(rank).receive(message);
    masked.set(rank, await scene.client(rank).mask(ID, INPUTS.update(rank)));
  }
  const update = of(masked, 1);
  assertEquals(await faultOf(() => session.addMasked(5, update)), "unknown-member");
  const longer = { ...update, masked: new Uint32Array(update.masked.length + 1) };
  assertEquals(await faultOf(() => session.addMasked(1, longer)), "malformed");
  assertEquals([1, 2, 3].map((rank) => session.addMasked(rank, of(masked, rank))), [
    true,
    true,
    true,
  ]);
  assertEquals(session.addMasked(1, update), false);
  const requests = session.closeMasked();
  // Its masks are taken away: a late update must not be added any more.
  assertEquals(await faultOf(() => session.addMasked(4, of(masked, 4))), "wrong-stage");
  assertEquals(of(requests, 1).dropped, [4]);
  const answer = await scene.client(1).reveal(of(requests, 1));
  assertEquals(await faultOf(() => session.addReveal(4, answer)), "unknown-member");
  const fewer = { ...answer, shares: answer.shares.slice(1) };
  assertEquals(await faultOf(() => session.addReveal(1, fewer)), "malformed");
  session.addReveal(1, answer);
  assertEquals([session.isRecoverable, session.awaited], [false, [2, 3]]);
  for (const rank of [2, 3]) {
    session.addReveal(rank, await scene.client(rank).reveal(of(requests, rank)));
  }
  assert(session.isRecoverable);
  assertEquals((await session.finish()).sums, clearSum(OPTIONS, [1, 2, 3]));
  assertEquals(await faultOf(() => session.finish()), "wrong-stage");
});

Deno.test("a client is not made with a policy that it cannot keep", () => {
  const make = (policy: { minMembers?: number; isListed?: () => boolean }) => () =>
    new SecureClient({ run: "test", rank: 1, policy });
  assertThrows(make({ minMembers: 2 }), RangeError, "minMembers");
  assertThrows(make({ isListed: () => true }), TypeError, "expected a signer");
});
