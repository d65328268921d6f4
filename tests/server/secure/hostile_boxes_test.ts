import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { MessageCode, type RunReport, type ServerEvent } from "../../../mod.ts";
import { concat } from "../../../src/base/bytes.ts";
import { SecureClient } from "../../../src/secure/client/client.ts";
import type {
  AttemptId,
  SecureMembers,
  SecureShares,
  UnmaskShares,
} from "../../../src/secure/messages.ts";
import { KeyPairs } from "../../../src/secure/client/key_pairs.ts";
import { u32 } from "../../../src/secure/encoding.ts";
import { agree, boxKey, randomBytes, seal } from "../../../src/secure/primitives.ts";
import { LANES } from "../../../src/secure/quantize.ts";
import { sealInfo, sessionSalt } from "../../../src/secure/salt.ts";
import { ToldTraining } from "../../../src/secure/told.ts";
import type { ErrorPayload, IdAssignmentPayload } from "../../../src/wire/messages.ts";
import { Peer } from "../../helpers/peer.ts";
import { clearModel, LENGTH, runSecure, serverOf } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const HOSTILE = 6, HONEST = [1, 2, 3, 4, 5];
const { Exit, MaskedUpdate, SecureKeys, UnmaskRequest } = MessageCode;

/** Deeds of a member that follows the protocol otherwise, with an update of zeros. */
interface Deeds {
  /** Changes the boxes that it sends. */
  readonly boxes?: (shares: SecureShares) => SecureShares;
  /** Deals shares of nothing, in boxes that open. */
  readonly dealsNothing?: boolean;
  /** Complaint that it sends in place of an update. */
  readonly complaint?: (round: number) => ErrorPayload;
  /** Update and digest that it sends. */
  readonly update?: (update: {
    masked: Uint32Array<ArrayBuffer>;
    seedDigest: Uint8Array<ArrayBuffer>;
  }) => void;
  /** Changes the shares that it reveals. */
  readonly reveal?: (shares: UnmaskShares) => UnmaskShares;
}

/** Takes part as rank 6 until the run is over, or it was left out. */
async function takePart(address: string, deeds: Deeds): Promise<void> {
  await using peer = await Peer.connect(address);
  const assignment: IdAssignmentPayload = await peer.join({ rank: HOSTILE, secure: 1 });
  const { run, plan } = assignment, told = new ToldTraining(assignment);
  const client = new SecureClient({ run, rank: HOSTILE, policy: { minMembers: 3 } });
  const pairs = new KeyPairs({ run, rank: HOSTILE });
  const { secure } = serverOf();
  assert(secure !== undefined);
  let vector = new Float32Array(LENGTH);
  for (;;) {
    const { code, payload } = await peer.next();
    const { round = 0, attempt = 0 } = payload as Partial<AttemptId>, id = { round, attempt };
    switch (code) {
      case SecureKeys: {
        const keys = deeds.dealsNothing ? await pairs.make() : await client.keys();
        await peer.send({ code: SecureKeys, payload: { ...id, ...keys } });
        break;
      }
      case MessageCode.ParameterUpdate:
        vector = payload.parameters.slice();
        break;
      case MessageCode.SecureMembers: {
        const known = { vector, ring: secure.ring, told: told.bytes(plan) };
        const { boxes = (shares) => shares } = deeds;
        const shares = deeds.dealsNothing
          ? await sharesOfNothing(payload, pairs, await sessionSalt({ run, ...id, ...known }))
          : boxes(await client.share(payload, known));
        await peer.send({ code: MessageCode.SecureShares, payload: shares });
        break;
      }
      case MessageCode.SecureShares: {
        if (deeds.complaint) {
          await peer.send({ code: MessageCode.Error, payload: deeds.complaint(id.round) });
          break;
        }
        if (deeds.dealsNothing) {
          const masked = new Uint32Array(LENGTH + LANES), seedDigest = randomBytes(32);
          await peer.send({ code: MaskedUpdate, payload: { ...id, masked, seedDigest } });
          break;
        }
        await client.receive(payload);
        const zeros = new Uint32Array(LENGTH + LANES);
        const { masked, seedDigest } = await client.mask(id, zeros);
        const update = { ...id, masked, seedDigest: seedDigest.slice() };
        deeds.update?.(update);
        await peer.send({ code: MaskedUpdate, payload: update });
        break;
      }
      case UnmaskRequest: {
        if (deeds.dealsNothing) break;
        const { reveal = (shares) => shares } = deeds;
        const shares = reveal(await client.reveal(payload));
        await peer.send({ code: MessageCode.UnmaskShares, payload: shares });
        break;
      }
      case Exit:
        return await peer.send({ code: Exit, payload: { reason: "over" } });
    }
  }
}

/** Seals shares for the neighbours that are on no polynomial. */
async function sharesOfNothing(
  { members, round, attempt }: SecureMembers,
  pairs: KeyPairs,
  salt: Uint8Array<ArrayBuffer>,
): Promise<SecureShares> {
  const own = pairs.take(members);
  assert(own !== undefined);
  const shares = await Promise.all(members.map(async ({ rank, sealKey }, place) => {
    if (rank === HOSTILE) return [];
    const key = await boxKey(await agree(own.seal.privateKey, sealKey), salt, sealInfo(6, rank));
    const share = () => concat([randomBytes(32), Uint8Array.of(place + 1)]);
    const content = concat([u32(HOSTILE), u32(rank), share(), share()]);
    return [{ rank, box: await seal(key, content, salt) }];
  }));
  return { round, attempt, shares: shares.flat() };
}

interface HostileRun {
  readonly report: RunReport;
  readonly model: Float32Array;
  readonly warnings: readonly string[];
}

/** Runs a round of five clients and one that does such deeds, over TCP. */
async function runWith(deeds: Deeds): Promise<HostileRun> {
  let lying: Promise<void> = Promise.resolve();
  const warnings: string[] = [];
  try {
    const { report, model, errors } = await runSecure({
      rounds: 1,
      distBackend: "tcp",
      server: {
        worldSize: 7,
        timeouts: { roundSeconds: 8, heartbeatSeconds: 0.5 },
        logger: {
          ...{ debug: () => {}, info: () => {}, error: () => {} },
          warn: (text: string) => warnings.push(text),
        },
      },
      onEvent: (event: ServerEvent) => {
        if (event.type === "listening") lying = takePart(event.address, deeds);
      },
    });
    assertEquals([...errors], []);
    return { report, model, warnings };
  } finally {
    await lying.catch(() => {});
  }
}

/** Fills bytes that are said to be a box, or a share, with something else. */
function spoilt(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.map((byte, i) => i < bytes.length - 1 ? byte ^ 0x55 : byte);
}

function boxesTo(...ranks: number[]): (shares: SecureShares) => SecureShares {
  return ({ shares, ...id }) => ({
    ...id,
    shares: shares.map(({ rank, box }) => ({
      rank,
      box: ranks.includes(rank) ? spoilt(box) : box,
    })),
  });
}

Deno.test("a member whose boxes open nowhere is out of the next attempt alone", async () => {
  const { report: { rounds: [round] }, model, warnings } = await runWith({
    boxes: boxesTo(...HONEST),
  });
  assertEquals([round?.tries, round?.received], [2, 5]);
  assertEquals(model, clearModel([HONEST]));
  assert(warnings.some((text) => text.includes("rank 6 and 5 of its 5 neighbours disagree")));
});

Deno.test("a box that does not open takes both members of the dispute out of another attempt", async () => {
  // Two clients without shares are too many for the threshold: the attempt fails, and nobody can
  // tell who is right.
  const { report: { rounds: [round] }, model, warnings } = await runWith({ boxes: boxesTo(1, 3) });
  assertEquals(round?.tries, 2);
  assertEquals(model, clearModel([[2, 4, 5]]));
  for (const text of ["rank 6 disagrees about a box with 1, 3", "rank 1 disagrees"]) {
    assert(warnings.some((warning) => warning.includes(text)), warnings.join("\n"));
  }
});

Deno.test("a single box that does not open costs the attempt its receiver, and is reported", async () => {
  const { report: { rounds: [round] }, warnings } = await runWith({ boxes: boxesTo(2) });
  assertEquals([round?.tries, round?.received], [1, 5]);
  assertEquals(round?.losses.map(({ rank }) => rank), [2]);
  assert(warnings.some((text) => text.includes("rank 2 disagrees about a box with 6")));
});

Deno.test("false complaints leave out the member that makes them, and no other", async () => {
  const complaint = (accused: readonly number[]) => (round: number) => ({
    ...{ fault: "cannot-train", message: "boxes do not open", fatal: false, round },
    accused,
  });
  for (const accused of [HONEST, [1], [7, 99]]) {
    const { report: { rounds: [round] }, model } = await runWith({ complaint: complaint(accused) });
    assertEquals([round?.tries, round?.received], [1, 5], accused.join());
    assertEquals(model, clearModel([HONEST]));
  }
});

Deno.test("wrong shares of one member are passed over, and named", async () => {
  const { warnings, report } = await runWith({
    reveal: ({ shares, ...id }) => ({ ...id, shares: shares.map(spoilt) }),
  });
  assertEquals(report.rounds[0]?.received, 6);
  assert(warnings.some((text) => text.includes("Rank 6 has revealed wrong shares")));
});

Deno.test("a member whose secret cannot be recovered ends the run by its name", async () => {
  const deeds: Deeds[] = [
    { update: ({ seedDigest }) => seedDigest.fill(1) },
    { dealsNothing: true },
  ];
  for (const deed of deeds) {
    const error = await assertRejects(() => runWith(deed));
    assert(error instanceof Error);
    assert(error.message.includes("rank 6"), error.message);
  }
});

Deno.test("an update that is not masked as agreed ends the run, for its sum is none", async () => {
  const error = await assertRejects(() =>
    runWith({ update: ({ masked }) => crypto.getRandomValues(masked) })
  );
  assert(error instanceof Error && error.message.includes("6 of 6 clients have revealed"));
});
