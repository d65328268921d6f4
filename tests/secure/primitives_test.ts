import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { agreeOnMasks, pairMaskKeys, selfMaskKey } from "../../src/secure/client/mask_keys.ts";
import { canonicalBytes } from "../../src/secure/canonical.ts";
import { applyMasks } from "../../src/secure/masks.ts";
import {
  agree,
  boxKey,
  derive,
  equalBytes,
  keyMaterial,
  open,
  pairOf,
  privateBytes,
  seal,
  sha256,
  sign,
  verify,
} from "../../src/secure/primitives.ts";
import { isLowOrder } from "../../src/secure/low_order.ts";
import { ringOf } from "../../src/secure/ring.ts";
import { sealInfo, sessionSalt, signedKeys, signedSurvivors } from "../../src/secure/salt.ts";
import { combineShares, splitSecret } from "../../src/secure/shamir.ts";
import { ToldTraining } from "../../src/secure/told.ts";
import { Kernels } from "../../src/params/kernels.ts";
import { findPython } from "../helpers/python.ts";

const FIXTURES = new URL("../fixtures/secure/", import.meta.url);
const FIXTURE = JSON.parse(await Deno.readTextFile(new URL("primitives.json", FIXTURES)));
const hex = (text: string) => Uint8Array.fromHex(text);
const [scalarA, scalarB] = FIXTURE.scalars.map(hex);
const [publicA, publicB] = FIXTURE.publics.map(hex);
const salt = hex(FIXTURE.salt);
const words = (text: string) => [...new Uint32Array(hex(text).buffer)];
const PAIR_MASK = words(FIXTURE.pairMask), SELF_MASK = words(FIXTURE.selfMask);

Deno.test("X25519 and HKDF agree with cryptography", async () => {
  const a = await pairOf(scalarA), b = await pairOf(scalarB);
  assertEquals([a.publicKey, b.publicKey], [publicA, publicB]);
  assertEquals(await privateBytes(a.privateKey), scalarA);
  const info = new TextEncoder().encode("any");
  const direct = await derive(await keyMaterial(hex(FIXTURE.shared)), salt, info);
  assertEquals(await derive(await agree(a.privateKey, publicB), salt, info), direct);
  assertEquals(await derive(await agree(b.privateKey, publicA), salt, info), direct);
});

Deno.test("sessionSalt() is the hash that the protocol defines", async () => {
  const { run, round, attempt } = FIXTURE;
  const session = {
    ...{ run, round, attempt },
    vector: Float32Array.from(FIXTURE.vector),
    ring: ringOf(FIXTURE.ring),
    told: canonicalBytes(FIXTURE.told),
  };
  assertEquals(await sessionSalt(session), salt);
  const { plan } = FIXTURE.told, told = new ToldTraining(FIXTURE.told);
  assertEquals(told.bytes(plan), session.told);
  const others = [
    { ...session, run: "b run" },
    { ...session, round: 8 },
    { ...session, told: told.bytes({ ...plan, learningRate: 0 }) },
    { ...session, told: new ToldTraining({ ...FIXTURE.told, model: null }).bytes(plan) },
    { ...session, told: told.bytes(plan, Float32Array.of(1)) },
    { ...session, attempt: 3 },
    { ...session, vector: session.vector.with(0, -3.0000002) },
    { ...session, ring: ringOf({ ...FIXTURE.ring, clip: 9 }) },
    { ...session, ring: ringOf({ ...FIXTURE.ring, maxSamples: 601 }) },
    { ...session, ring: ringOf({ ...FIXTURE.ring, maxMembers: 11 }) },
    { ...session, ring: ringOf({ ...FIXTURE.ring, maxLoss: 63 }) },
    { ...session, ring: ringOf({ ...FIXTURE.ring, rounding: "toward-zero" }) },
  ];
  const salts = await Promise.all(others.map(async (other) => (await sessionSalt(other)).toHex()));
  assertEquals(new Set([FIXTURE.salt, ...salts]).size, others.length + 1);
});

Deno.test("masks are those of cryptography, in every build and in any memory", async () => {
  const a = { rank: 3, maskKey: publicA }, b = { rank: 9, maskKey: publicB };
  const ofA = await agreeOnMasks((await pairOf(scalarA)).privateKey, [b]);
  const keys = await pairMaskKeys(a, ofA, salt);
  assertEquals(keys, { add: [hex(FIXTURE.pairKey)], subtract: [] });
  const ofB = await agreeOnMasks((await pairOf(scalarB)).privateKey, [a]);
  const back = await pairMaskKeys(b, ofB, salt);
  assertEquals(back, { add: [], subtract: [hex(FIXTURE.pairKey)] });
  const self = await selfMaskKey(3, hex(FIXTURE.seed), salt);
  assertEquals(self, hex(FIXTURE.selfKey));

  const expected = Uint32Array.from(
    PAIR_MASK,
    (word: number, i) => word + (SELF_MASK[i] ?? 0) + i,
  );
  const start = Uint32Array.from(expected, (_, i) => i);
  for (const build of ["simd128", "relaxed-simd"] as const) {
    const memory = Kernels.create(4096, { build }).allocBytes(4 * start.length);
    const inArena = new Uint32Array(memory.buffer, memory.byteOffset, start.length);
    inArena.set(start);
    for (const vector of [inArena, start.slice()]) {
      await applyMasks(vector, { add: [...keys.add, self], subtract: [] });
      assertEquals([...vector], [...expected]);
      await applyMasks(vector, { add: [], subtract: [self, ...keys.add] });
      assertEquals([...vector], [...start]);
    }
  }
});

Deno.test("masks of a long vector go on where those of its pieces end", async () => {
  const key = hex(FIXTURE.pairKey), n = 600_001;
  const whole = new Uint32Array(n);
  await applyMasks(whole, { add: [key], subtract: [] });
  assertEquals([...whole.subarray(0, 70)], PAIR_MASK);
  const kernels = Kernels.create(4 * n);
  const memory = kernels.allocBytes(4 * n);
  const inArena = new Uint32Array(memory.buffer, memory.byteOffset, n).fill(0);
  await applyMasks(inArena, { add: [key], subtract: [] });
  assert(equalBytes(new Uint8Array(whole.buffer), memory));
});

Deno.test("boxes of cryptography open, and a changed one does not", async () => {
  const material = await keyMaterial(hex(FIXTURE.shared)), info = sealInfo(9, 3);
  assertEquals(await derive(material, salt, info), hex(FIXTURE.sealKey));
  const key = await boxKey(material, salt, info);
  const box = hex(FIXTURE.box);
  const text = await open(key, box, salt);
  assertEquals([box.length, text?.slice(0, 8)], [102, Uint8Array.of(9, 0, 0, 0, 3, 0, 0, 0)]);
  for (const at of [0, 12, 101]) {
    assertEquals(
      await open(key, box.map((byte, i) => i === at ? byte ^ 1 : byte), salt),
      undefined,
    );
  }
  assertEquals(await open(key, box, new Uint8Array(32)), undefined);
  const again = await seal(key, new Uint8Array(74), salt);
  assertEquals([again.length, await open(key, again, salt)], [102, new Uint8Array(74)]);
});

Deno.test("signatures of cryptography hold for keys and for survivors", async () => {
  const { run, round, attempt } = FIXTURE, signer = hex(FIXTURE.signer);
  const keys = { serial: 2 ** 32 + 5, maskKey: publicA, sealKey: publicB };
  const text = signedKeys(run, 3, keys), signature = hex(FIXTURE.keysSignature);
  assert(await verify(signer, signature, text));
  assertEquals(await verify(signer, signature, signedKeys(run, 4, keys)), false);
  assertEquals(await verify(publicA, new Uint8Array(64), text), false);
  const list = await signedSurvivors(run, { round, attempt }, [1, 3, 9]);
  assert(await verify(signer, hex(FIXTURE.voteSignature), list));
  const other = await signedSurvivors(run, { round, attempt }, [1, 3]);
  assertEquals(await verify(signer, hex(FIXTURE.voteSignature), other), false);
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const raw = new Uint8Array(
    await crypto.subtle.exportKey("raw", (pair as CryptoKeyPair).publicKey),
  );
  assert(await verify(raw, await sign((pair as CryptoKeyPair).privateKey, text), text));
});

Deno.test("isLowOrder() knows the keys with which WebCrypto agrees on no secret", async () => {
  const { privateKey } = await pairOf(scalarA);
  const p = 2n ** 255n - 19n,
    eighth = 39382357235489614581723060781553021112529911719440698176882885853963445705823n;
  const other = 325606250916557431795983626356110631294008115727848805560023387167927233504n;
  for (const point of [0n, 1n, other, eighth, p - 1n, p, p + 1n]) {
    for (const top of [0n, 2n ** 255n]) {
      const key = hex((point + top).toString(16).padStart(64, "0")).reverse();
      assert(isLowOrder(key), `${point}`);
      await assertRejects(() => agree(privateKey, key));
      key[0] = (key[0] ?? 0) ^ 8;
      assert(!isLowOrder(key), `${point} changed`);
      await agree(privateKey, key);
    }
  }
});

Deno.test("shares are those of the field of AES, and any of them as many as the threshold combine", () => {
  const values = [...hex(FIXTURE.shares)];
  const [secret = new Uint8Array(1), ...rest] = [...hex(FIXTURE.coefficients)].map((byte) =>
    Uint8Array.of(byte)
  );
  const draws = rest.values();
  const shares = splitSecret(
    secret,
    { shares: 255, threshold: 3 },
    () => draws.next().value ?? new Uint8Array(1),
  );
  assertEquals(shares.map(([value]) => value), values);
  assertEquals(shares.map(([, x]) => x), Array.from({ length: 255 }, (_, i) => i + 1));
  for (const [i, j, k] of [[0, 1, 2], [254, 7, 100], [3, 200, 90]] as const) {
    const three = [shares[i], shares[j], shares[k]].filter((share) => share !== undefined);
    assertEquals(combineShares(three), secret);
  }
  // x = 1 to 5, and a product that every implementation of AES has.
  assertEquals(values.slice(0, 5), [0xcf, 0x31, 0xbc, 0x77, 0xfa]);
});

Deno.test("fewer shares than the threshold fit every secret equally well", () => {
  // A secret of one byte, threshold 2: each share is uniform over the coefficients.
  for (const x of [0, 100]) {
    for (const secret of [0, 1, 0x42]) {
      const seen = new Set<number>();
      for (let coefficient = 0; coefficient < 256; coefficient++) {
        const shares = splitSecret(
          Uint8Array.of(secret),
          { shares: 101, threshold: 2 },
          () => Uint8Array.of(coefficient),
        );
        seen.add(shares[x]?.[0] ?? -1);
      }
      assertEquals(seen.size, 256);
    }
  }
});

Deno.test("the fixtures are what cryptography computes", async () => {
  const python = await findPython("FEDLAB_SECURE_PYTHON", ["cryptography"]);
  if (python === undefined) return console.log("skipped: no Python with cryptography");
  const { stdout } = await new Deno.Command(python, {
    args: [new URL("primitives.py", FIXTURES).pathname],
  }).output();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), FIXTURE);
  assertEquals(
    await sha256(Uint8Array.of(97), Uint8Array.of(98, 99)),
    hex(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
  );
});
