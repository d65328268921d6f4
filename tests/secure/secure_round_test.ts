import { assert, assertEquals, assertNotEquals } from "jsr:@std/assert@1.0.19";
import { SecureError } from "../../src/secure/errors.ts";
import { graphParameters } from "../../src/secure/graph.ts";
import { generateAgreementPair, privateBytes } from "../../src/secure/primitives.ts";
import { splitSecret } from "../../src/secure/shamir.ts";
import { clearSum, inputsOf, secureRound, type Stage } from "./round.ts";

const STAGES: readonly Stage[] = ["keys", "shares", "masked", "reveal"];

Deno.test("a round gives the sum of the quantized updates, bit for bit", async () => {
  for (const members of [3, 5, 9, 40]) {
    const { sums, survivors, wrong } = await secureRound({ members });
    const ranks = Array.from({ length: members }, (_, i) => i + 1);
    assertEquals([survivors, wrong], [ranks, []]);
    assertEquals(sums, clearSum({ members }, ranks));
  }
});

Deno.test("any subset of five lost at any stage: the survivors' sum, or a named error", async () => {
  const members = 5;
  const faults = new Map<string, number>();
  for (const stage of STAGES) {
    for (let subset = 0; subset < 2 ** members; subset++) {
      const ranks = [1, 2, 3, 4, 5];
      const gone = ranks.filter((rank) => subset >> (rank - 1) & 1);
      const lost = new Map(gone.map((rank) => [rank, stage]));
      try {
        const { sums, survivors } = await secureRound({ members, lost, seed: subset });
        // Who is lost after its update counts.
        const counted = stage === "reveal" ? ranks : ranks.filter((rank) => !lost.has(rank));
        assertEquals(survivors, counted);
        assertEquals(sums, clearSum({ members, seed: subset }, counted));
        assert(gone.length <= (stage === "keys" ? 2 : 1), `${stage} ${gone}`);
      } catch (error) {
        if (!(error instanceof SecureError)) throw error;
        assert(gone.length >= 2, `${stage} ${gone}: ${error.message}`);
        faults.set(error.fault, (faults.get(error.fault) ?? 0) + 1);
      }
    }
  }
  assertEquals(Object.fromEntries(faults), {
    "too-few-members": 16,
    "too-few-shares": 26,
    "too-few-survivors": 26,
    "secret-lost": 26,
  });
});

Deno.test("in a ring of neighbours, members lost at all four stages leave the survivors' sum", async () => {
  const members = 60, graph = (n: number) => graphParameters(n, { colluding: 0.05 });
  const lost = new Map<number, Stage>([
    [3, "keys"],
    [14, "shares"],
    [25, "masked"],
    [36, "masked"],
    [
      47,
      "reveal",
    ],
  ]);
  const { sums, survivors } = await secureRound({ members, lost, graph });
  assertEquals(survivors.length, 56);
  assert([3, 14, 25, 36].every((rank) => !survivors.includes(rank)));
  assertEquals(sums, clearSum({ members }, survivors));
});

Deno.test("wrong shares are passed over, and named", async () => {
  const members = 9, lost = new Map<number, Stage>([[2, "masked"]]);
  for (const liars of [[1], [4, 9]]) {
    const graph = () => ({ degree: 8, threshold: 5 });
    const { sums, wrong, survivors } = await secureRound({
      ...{ members, lost, graph, order: (ranks) => ranks },
      tamper: (rank, message) =>
        !liars.includes(rank) ? message : {
          ...message,
          shares: message.shares.map((share) => share.map((byte, i) => i === 7 ? byte ^ 1 : byte)),
        },
    });
    assertEquals(wrong, liars);
    assertEquals(sums, clearSum({ members }, survivors));
  }
});

Deno.test("shares under another point are not taken, and too many wrong ones end the attempt", async () => {
  const faultOf = async (change: (byte: number, i: number, rank: number) => number) => {
    try {
      await secureRound({
        members: 5,
        tamper: (rank, message) =>
          rank > 2 ? message : {
            ...message,
            shares: message.shares.map((share) => share.map((byte, i) => change(byte, i, rank))),
          },
      });
    } catch (error) {
      return error instanceof SecureError ? error.fault : error;
    }
  };
  assertEquals(await faultOf((byte, i) => i === 32 ? byte + 1 : byte), "secret-lost");
  assertEquals(
    await faultOf((byte, i, rank) => i < 32 ? byte ^ (i * rank + i) : byte),
    "wrong-shares",
  );
});

Deno.test("masked updates of two runs with one seed differ everywhere, and look uniform", async () => {
  const { SecureClient } = await import("../../src/secure/client/client.ts");
  const { SecureSession } = await import("../../src/secure/server/session.ts");
  const options = { members: 3, length: 8192 };
  const { vector, ring, told, update } = inputsOf(options);
  const maskedOnce = async () => {
    const clients = [1, 2, 3].map((rank) =>
      new SecureClient({ run: "test", rank, policy: { minMembers: 3 } })
    );
    const session = new SecureSession({
      ...{ run: "test", round: 1, attempt: 1, vector, ring, minMembers: 3, told },
      graph: graphParameters,
    });
    for (const [i, client] of clients.entries()) await session.addKeys(i + 1, await client.keys());
    for (const [rank, message] of session.closeKeys()) {
      const shares = await clients[rank - 1]?.share(message, { vector, ring, told });
      if (shares) session.addShares(rank, shares);
    }
    const boxes = session.closeShares().get(1);
    assert(boxes !== undefined && clients[0] !== undefined);
    await clients[0].receive(boxes);
    return (await clients[0].mask({ round: 1, attempt: 1 }, update(1))).masked;
  };
  const [one, two] = [await maskedOnce(), await maskedOnce()];
  for (let start = 0; start < one.length; start += 1024) {
    assertNotEquals(one.slice(start, start + 1024), two.slice(start, start + 1024));
  }
  // 255 degrees of freedom: mean 255, deviation 22.6.
  const counts = new Float64Array(256);
  for (const byte of new Uint8Array(one.buffer)) counts[byte] = (counts[byte] ?? 0) + 1;
  const expected = 4 * one.length / 256;
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert(chi > 140 && chi < 410, `${chi}`);
});

Deno.test("an attempt's keys are 32 bytes that shares give back, and differ from all others", async () => {
  const keys = new Set<string>();
  for (let i = 0; i < 20; i++) {
    keys.add((await privateBytes((await generateAgreementPair(true)).privateKey)).toHex());
  }
  assertEquals([keys.size, [...keys][0]?.length], [20, 64]);
  assertEquals(splitSecret(new Uint8Array(32), { shares: 5, threshold: 3 })[0]?.length, 33);
});
