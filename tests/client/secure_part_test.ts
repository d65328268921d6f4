import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { SecureMember } from "../../src/client/secure/secure_member.ts";
import { SecurePart } from "../../src/client/secure/secure_part.ts";
import { SecureError } from "../../src/secure/errors.ts";
import { SecureClient } from "../../src/secure/client/client.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";
import type { Member } from "../../src/secure/messages.ts";
import { ringOf, type RingSettings } from "../../src/secure/ring.ts";
import { ToldTraining } from "../../src/secure/told.ts";
import type { TrainSettings } from "../../src/plan/settings.ts";
import { zcdpEpsilon } from "../../src/privacy/accounting/gaussian.ts";
import { ringSettings } from "../../src/privacy/distributed/noise_share.ts";
import { MessageCode } from "../../src/wire/message_code.ts";
import type { IdAssignmentPayload, Message } from "../../src/wire/messages.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";

const SECURE = { clip: 1, maxSamples: 10, maxMembers: 5 };
const VECTOR = Float32Array.of(1, 2, 3), TRAINED = Float32Array.of(1.5, 2, 2.75);
const FIGURES = { samples: 5, loss: 1, steps: 2 };

async function assignmentOf(
  fields: Partial<IdAssignmentPayload> = {},
): Promise<IdAssignmentPayload> {
  const assignment = await assignmentFor(vectorManifest(3));
  const plan = { ...assignment.plan, secure: SECURE };
  return { ...assignment, run: "run", rank: 1, seed: 0, plan, ...fields };
}

async function makePart(): Promise<SecurePart> {
  const part = new SecurePart({ secureMinMembers: 3 });
  part.begin(await assignmentOf());
  return part;
}

/** Takes part in an attempt up to the masked update, together with two other members. */
async function maskIn(
  part: Pick<SecurePart, "answer" | "answerEarly" | "keep" | "masked">,
  round: number,
  attempt: number,
  { trained = TRAINED, settings = SECURE, beforeBoxes = () => {}, plan = {}, staying, model }: {
    trained?: ParameterVector;
    settings?: RingSettings;
    beforeBoxes?: () => void;
    /** Settings that the others are told, apart from those of this member. */
    plan?: Partial<TrainSettings>;
    /** Values that the others have where none travel. */
    staying?: ParameterVector | undefined;
    /** Model that the others are told. */
    model?: Record<string, unknown>;
  } = {},
): Promise<Message> {
  const id = { round, attempt }, ring = ringOf(settings);
  const assignment = await assignmentOf({ ...(model && { model }) });
  const told = new ToldTraining(assignment).bytes(
    { ...assignment.plan, secure: settings, ...plan },
    staying,
  );
  const others = [2, 3].map((rank) => {
    return { rank, client: new SecureClient({ run: "run", rank, policy: { minMembers: 3 } }) };
  });
  const own = await part.answer({ code: MessageCode.SecureKeys, payload: id });
  assert(own?.code === MessageCode.SecureKeys);
  const { serial = 0, maskKey = new Uint8Array(), sealKey = new Uint8Array() } = own.payload;
  const members: Member[] = [{ rank: 1, serial, maskKey, sealKey }];
  for (const { rank, client } of others) members.push({ rank, ...await client.keys() });
  const session = { ...id, threshold: 2, members };
  const early = await part.answer({ code: MessageCode.SecureMembers, payload: session });
  if (early === undefined) {
    part.keep(round, VECTOR, undefined);
    assertEquals((await part.answerEarly(round))?.code, MessageCode.SecureShares);
  }
  const shares = [];
  for (const { rank, client } of others) {
    const made = await client.share(session, { vector: VECTOR, ring, told });
    const box = made.shares.find((share) => share.rank === 1)?.box;
    if (box !== undefined) shares.push({ rank, box });
  }
  beforeBoxes();
  await part.answer({ code: MessageCode.SecureShares, payload: { ...id, shares } });
  const masked = await part.masked(round, trained, FIGURES);
  assert(masked?.code === MessageCode.MaskedUpdate);
  return masked;
}

Deno.test("a masked update that is made again is the same one, not one without its masks", async () => {
  const part = await makePart();
  const first = await maskIn(part, 1, 7);
  assert(first.code === MessageCode.MaskedUpdate);
  const bytes = first.payload.masked.slice();
  const again = await part.masked(1, TRAINED, FIGURES);
  assert(again === first);
  assertEquals(first.payload.masked, bytes);
  const other = await maskIn(part, 1, 8);
  assert(other.code === MessageCode.MaskedUpdate);
  assertEquals(first.payload.masked, bytes, "the memory of the first attempt is its own");
  assert(other.payload.masked.some((value, i) => value !== bytes[i]), "other masks");
});

Deno.test("what was revealed in a run holds under another rank, and not in another run", async () => {
  const part = await makePart();
  await maskIn(part, 1, 7);
  const request = { round: 1, attempt: 7, dropped: [] };
  const answer = await part.answer({ code: MessageCode.UnmaskRequest, payload: request });
  assertEquals(answer?.code, MessageCode.UnmaskShares);
  for (const [rank, attempt] of [[1, 9], [2, 9], [2, 7], [1, 7]] as const) {
    part.begin(await assignmentOf({ rank }));
    const { fault } = await assertRejects(
      () => part.answer({ code: MessageCode.SecureKeys, payload: { round: 1, attempt } }),
      SecureError,
    );
    assertEquals(fault, "revealed-already", `attempt ${attempt} as rank ${rank}`);
  }
  part.begin(await assignmentOf({ run: "other" }));
  const keys = await part.answer({
    code: MessageCode.SecureKeys,
    payload: { round: 1, attempt: 9 },
  });
  assertEquals(keys?.code, MessageCode.SecureKeys);
});

Deno.test("a client that requires privacy counts its masked updates itself, in every attempt", async () => {
  const noise = { clip: 1, noise: 2, fewest: 2, threshold: 2 };
  const { log: _, ...ring } = ringSettings({ ...noise, maxMembers: 5 });
  const secure = { ...ring, noise }, limits = { privacyMaxDelta: 1e-3, secureMinMembers: 3 };
  // Two updates of noise 2 have room, and a third one has not.
  const privacyMaxEpsilon = zcdpEpsilon(2 / 8, limits.privacyMaxDelta);
  const part = new SecurePart({ ...limits, privacyMaxEpsilon });
  const assignment = await assignmentOf();
  part.begin({ ...assignment, plan: { ...assignment.plan, secure } });
  for (const [round, attempt] of [[1, 7], [1, 8]] as const) {
    await maskIn(part, round, attempt, { settings: secure });
  }
  const next = { code: MessageCode.SecureKeys, payload: { round: 2, attempt: 9 } } as const;
  // Neither another run nor another rank gives room.
  for (const fields of [{}, { rank: 2 }, { run: "other" }]) {
    part.begin({ ...assignment, plan: { ...assignment.plan, secure }, ...fields });
    const { fault } = await assertRejects(() => part.answer(next), SecureError);
    assertEquals(fault, "budget-spent");
  }
});

Deno.test("an update of other parameters than the masks depend on is not sent", async () => {
  const part = await makePart();
  const swap = () => part.keep(1, Float32Array.of(0, 0, 0), undefined);
  const { fault } = await assertRejects(
    () => maskIn(part, 1, 7, { beforeBoxes: swap }),
    SecureError,
  );
  assertEquals(fault, "model-changed");
  part.keep(1, VECTOR, undefined);
  const again = () => part.keep(1, VECTOR, undefined);
  assertEquals((await maskIn(part, 1, 8, { beforeBoxes: again })).code, MessageCode.MaskedUpdate);
});

Deno.test("rounds with other settings of secure aggregation, or none, are refused", async () => {
  const part = await makePart(), { plan } = await assignmentOf();
  part.keep(1, VECTOR, plan);
  const { secure: _, ...plain } = plan;
  assertEquals(
    assertThrows(() => part.keep(1, VECTOR, plain), SecureError).fault,
    "plain-update-asked",
  );
  const other = { ...plan, secure: { ...SECURE, clip: 2 } };
  assertEquals(assertThrows(() => part.keep(1, VECTOR, other), SecureError).fault, "ring-differs");
});

Deno.test("an update is not masked before its boxes have come, nor for another round", async () => {
  const part = await makePart();
  part.keep(1, VECTOR, undefined);
  assertEquals(await part.masked(1, TRAINED, FIGURES), undefined);
  await maskIn(part, 1, 7);
  assertEquals(await part.masked(2, TRAINED, FIGURES), undefined);
  // The keys of a new attempt end the last one.
  await part.answer({ code: MessageCode.SecureKeys, payload: { round: 1, attempt: 8 } });
  assertEquals(await part.masked(1, TRAINED, FIGURES), undefined);
});

Deno.test("an update that is not finite is not masked", async () => {
  const part = await makePart(), bad = Float32Array.of(1, NaN, 3);
  const { fault } = await assertRejects(() => maskIn(part, 1, 7, { trained: bad }), SecureError);
  assertEquals(fault, "non-finite");
  assertEquals((await maskIn(part, 1, 8)).code, MessageCode.MaskedUpdate);
});

Deno.test("no update is masked where another member was told another training", async () => {
  for (const plan of [{ learningRate: 0 }, { epochs: 7 }]) {
    const part = await makePart();
    await assertRejects(() => maskIn(part, 1, 7, { plan }), SecureError);
  }
  const part = await makePart(), { plan } = await assignmentOf();
  const change = () => part.keep(1, VECTOR, { ...plan, learningRate: 0 });
  const error = await assertRejects(
    () => maskIn(part, 1, 7, { beforeBoxes: change }),
    SecureError,
  );
  assertEquals(error.fault, "model-changed");
});

Deno.test("no update is masked where another member was sent other values that stay", async () => {
  const own = Float32Array.of(7), part = await makePart();
  for (const [i, staying] of [undefined, Float32Array.of(0), own.slice()].entries()) {
    part.keep(1, VECTOR, undefined, own);
    const masking = maskIn(part, 1, 7 + i, { staying });
    if (staying?.[0] === 7) assertEquals((await masking).code, MessageCode.MaskedUpdate);
    else assertEquals((await assertRejects(() => masking, SecureError)).fault, "box-does-not-open");
  }
});

Deno.test("masks depend on the model that a client has set up, not on one it is told of later", async () => {
  const subModel = { part: whole, whole, staying: undefined };
  const first = { name: "first" }, later = { name: "later" };
  for (const [isBack, model, other] of [[true, first, later], [false, later, first]] as const) {
    const member = new SecureMember({ secureMinMembers: 3 }, subModel);
    await member.begin(await assignmentOf({ model: first }), false, { numSamples: 5 }, () => {});
    await member.begin(await assignmentOf({ model: later }), isBack, { numSamples: 5 }, () => {});
    const part = {
      answer: member.answer.bind(member),
      answerEarly: member.answerEarly.bind(member),
      keep: (round: number) => member.keep({ round, parameters: VECTOR }, VECTOR),
      masked: () => Promise.resolve({ code: MessageCode.MaskedUpdate } as Message),
    };
    const { fault } = await assertRejects(() => maskIn(part, 1, 7, { model: other }), SecureError);
    assertEquals(fault, "box-does-not-open");
    await maskIn(part, 1, 8, { model });
  }
});

function whole(vector: ParameterVector): ParameterVector {
  return vector;
}
