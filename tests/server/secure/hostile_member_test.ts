import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { MessageCode, Random } from "../../../mod.ts";
import { ToldTraining } from "../../../src/secure/told.ts";
import { SecureClient } from "../../../src/secure/client/client.ts";
import type { Message } from "../../../src/wire/messages.ts";
import { Peer } from "../../helpers/peer.ts";
import { clearModel, LENGTH, runSecure, serverOf } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Index of a masked update that is well formed: a member may send what it likes. */
const WHOLE_UPDATE = 5;
const ALL = [1, 2, 3, 4, 5];

type Id = { readonly round: number; readonly attempt: number };

function noise(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Messages with which a member breaks the rules, at any time. */
const LIES: readonly ((id: Id, random: Random) => Message)[] = [
  (id, random) => ({
    code: MessageCode.SecureKeys,
    payload: { ...id, serial: 1, maskKey: new Uint8Array(32), sealKey: noise(random, 32) },
  }),
  (id, random) => {
    const key = noise(random, 32);
    return {
      code: MessageCode.SecureKeys,
      payload: { ...id, serial: 1, maskKey: key, sealKey: key },
    };
  },
  (id) => ({ code: MessageCode.SecureKeys, payload: id }),
  (id, random) => ({
    code: MessageCode.SecureShares,
    payload: { ...id, shares: [{ rank: 1, box: noise(random, 102) }] },
  }),
  (id, random) => ({
    code: MessageCode.SecureShares,
    payload: {
      ...id,
      shares: [1, 2, 3, 4, 4].map((rank) => ({ rank, box: noise(random, 102) })),
    },
  }),
  (id, random) => ({
    code: MessageCode.MaskedUpdate,
    payload: { ...id, seedDigest: noise(random, 32), masked: new Uint32Array(LENGTH + 4) },
  }),
  (id, random) => ({
    code: MessageCode.MaskedUpdate,
    payload: { ...id, seedDigest: noise(random, 32), masked: new Uint32Array(3) },
  }),
  (id, random) => ({
    code: MessageCode.UnmaskShares,
    payload: { ...id, shares: [noise(random, 33)] },
  }),
  (id) => ({ code: MessageCode.SurvivorVote, payload: { ...id, signature: new Uint8Array(64) } }),
  (id) => ({ code: MessageCode.UnmaskRequest, payload: { ...id, dropped: [1] } }),
  (id) => ({ code: MessageCode.UnmaskShares, payload: { ...id, attempt: 1, shares: [] } }),
  ({ round }) => ({
    code: MessageCode.ParameterUpdate,
    payload: { round, numSamples: 1, parameters: new Float32Array(LENGTH) },
  }),
];

/** Joins as rank 6, takes part up to a stage, lies, hears that it is refused, and leaves. */
async function lieAt(stage: number, address: string, lie: (id: Id) => Message): Promise<string> {
  await using peer = await Peer.connect(address);
  const assignment = await peer.join({ rank: 6, secure: 1 }), { run, plan } = assignment;
  const id = await peer.until(MessageCode.SecureKeys), { SecureKeys, SecureShares } = MessageCode;
  const client = new SecureClient({ run, rank: 6, policy: { minMembers: 3 } });
  if (stage > 0) {
    const keys = await client.keys();
    await peer.send({ code: SecureKeys, payload: { ...id, ...keys } });
    const { parameters } = await peer.until(MessageCode.ParameterUpdate);
    const vector = parameters.slice(), members = await peer.until(MessageCode.SecureMembers);
    const { secure } = serverOf();
    if (stage > 1 && secure !== undefined) {
      const told = new ToldTraining(assignment).bytes(plan);
      const shares = await client.share(members, { vector, ring: secure.ring, told });
      await peer.send({ code: SecureShares, payload: shares });
      await peer.until(SecureShares);
    }
  }
  await peer.send(lie(id));
  const { fault } = await peer.error();
  await peer.send({ code: MessageCode.Exit, payload: { reason: "enough" } }).catch(() => {});
  return fault;
}

for (const [at, lie] of LIES.entries()) {
  Deno.test(`a member whose lie ${at} is refused changes nothing in the sum of the others`, async () => {
    for (const stage of [0, 1, 2]) {
      if (stage === 2 && at === WHOLE_UPDATE) continue;
      let lying: Promise<string> = Promise.resolve("");
      const { model, errors } = await runSecure({
        rounds: 1,
        distBackend: "tcp",
        server: { worldSize: 7, timeouts: { roundSeconds: 8 } },
        onEvent: (event) => {
          if (event.type !== "listening") return;
          const random = new Random(at, "test", { round: stage, rank: 6 });
          lying = lieAt(stage, event.address, (id) => lie(id, random));
        },
      });
      assert((await lying) !== "");
      assertEquals([...errors], []);
      assertEquals(model, clearModel([ALL]), `stage ${stage}`);
    }
  });
}
