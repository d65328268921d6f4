import { assertEquals, assertMatch, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { type Gatekeeper, ProtocolError, readAllowedKeys } from "../../mod.ts";
import {
  checkProof,
  generateKeyPair,
  KeyList,
  type KeyListChange,
  makeChallenge,
} from "../../src/auth/mod.ts";
import { publicKeyBytes } from "../../src/auth/public_key.ts";
import { fingerprintOf } from "../../src/auth/mod.ts";
import { checkToken } from "../../src/auth/token.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const P = 2n ** 255n - 19n;
const D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);

function mod(x: bigint): bigint {
  return ((x % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (base = mod(base); exponent > 0n; exponent >>= 1n, base = mod(base * base)) {
    if (exponent & 1n) result = mod(result * base);
  }
  return result;
}

type Point = [x: bigint, y: bigint];

/** Adds two points of the curve -x² + y² = 1 + d·x²·y². */
function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = mod(D * x1 * x2 * y1 * y2);
  return [
    mod((x1 * y2 + x2 * y1) * power(1n + k, P - 2n)),
    mod((y1 * y2 + x1 * x2) * power(1n - k, P - 2n)),
  ];
}

/** Gives a point with this y, if there is one. */
function pointOf(y: bigint): Point | undefined {
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * ROOT_OF_MINUS_1);
  return mod(x * x) === square ? [x, mod(y)] : undefined;
}

/** Lists the encodings of the points whose order divides 8, with y past the prime or not. */
function smallOrderKeys(): string[] {
  // The large prime order times a random point is a point of order 8, or of one that divides it.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const times = (n: bigint, point: Point): Point => {
    let sum: Point = [0n, 1n];
    for (; n > 0n; n >>= 1n, point = add(point, point)) if (n & 1n) sum = add(sum, point);
    return sum;
  };
  const small = new Set<bigint>();
  for (let y = 2n; small.size < 5; y++) {
    const point = pointOf(y);
    if (point === undefined) continue;
    const eighth = times(order, point);
    for (let n = 0n; n < 8n; n++) small.add(times(n, eighth)[1]);
  }
  const encodings = [...small].flatMap((y) => y + P < 2n ** 255n ? [y, y + P] : [y]);
  return encodings.flatMap((y) => [y, y + 2n ** 255n]).map((number) => {
    const hex = number.toString(16).padStart(64, "0");
    return Uint8Array.fromHex(hex).reverse().toBase64({ alphabet: "base64url", omitPadding: true });
  });
}

Deno.test("readAllowedKeys() refuses each of the 14 encodings of a key of small order, and says in which line", () =>
  inFolder(async (folder) => {
    const keys = smallOrderKeys();
    assertEquals(new Set(keys).size, 14);
    const { publicKey } = await generateKeyPair();
    for (const key of keys) {
      await Deno.writeTextFile(`${folder}/allowed`, `${publicKey} one\n\n${key} two\n`);
      const { message } = await assertRejects(
        () => readAllowedKeys(`${folder}/allowed`),
        SyntaxError,
      );
      assertMatch(message, /line 3: expected a public key, got a point of small order/);
    }
  }));

Deno.test("publicKeyBytes() refuses numbers past the field's prime, and takes 1,000 keys as they are made", async () => {
  for (let y = P; y < 2n ** 255n; y++) {
    for (const sign of [0n, 2n ** 255n]) {
      const bytes = Uint8Array.fromHex((y + sign).toString(16).padStart(64, "0")).reverse();
      const key = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
      assertThrows(() => publicKeyBytes(key), SyntaxError, "expected a public key");
    }
  }
  for (let n = 0; n < 1000; n++) {
    const { publicKey } = await crypto.subtle.generateKey("Ed25519", true, [
      "sign",
      "verify",
    ]) as CryptoKeyPair;
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
    const text = raw.toBase64({ alphabet: "base64url", omitPadding: true });
    assertEquals(publicKeyBytes(text), raw);
  }
});

Deno.test("checkProof() refuses the signature that holds for every challenge, whatever list allows its key", async () => {
  const identity = new Uint8Array(32);
  identity[0] = 1;
  const publicKey = identity.toBase64({ alphabet: "base64url", omitPadding: true });
  const signature = identity.toHex() + "00".repeat(32);
  const gatekeeper: Gatekeeper = { kind: "keys", allowed: new Set([publicKey]) };
  const challenge = makeChallenge(gatekeeper, { server: "s", run: "r" });
  const { message, fault } = await assertRejects(
    () => checkProof(gatekeeper, challenge, { method: "ed25519", publicKey, signature }),
    ProtocolError,
  );
  assertEquals(fault, "not-authorized");
  assertMatch(message, /small order/);
});

Deno.test("fingerprintOf() is the SHA-256 of the key's bytes", async () => {
  // The key of RFC 8410; another program computed the digest.
  assertEquals(
    await fingerprintOf("Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"),
    "SHA256:50TAeRMgwyhUYO3bUj8UyI2FetpGuXpWkNiM+Xi5GR8",
  );
});

async function newKeys(count: number): Promise<string[]> {
  const pairs = Array.from({ length: count }, () => generateKeyPair());
  return (await Promise.all(pairs)).map(({ publicKey }) => publicKey);
}

Deno.test("readAllowedKeys() reads name, rank and date of a line, and refuses what is none of them", () =>
  inFolder(async (folder) => {
    const path = `${folder}/allowed`;
    const [one = "", two = "", three = ""] = await newKeys(3);
    await Deno.writeTextFile(
      path,
      [
        `${one} north ward rank=3 expires=2027-01-31`,
        `${two} expires=2027-01-31T18:00:00Z`,
        three,
      ].join("\n"),
    );
    const keys = await readAllowedKeys(path);
    assertEquals([...keys], [
      [one, { name: "north ward", rank: 3, expires: Date.UTC(2027, 1, 1) }],
      [two, { name: "", expires: Date.UTC(2027, 0, 31, 18) }],
      [three, { name: "" }],
    ]);
    assertEquals([keys.holderOf(3), keys.holderOf(1)], [one, undefined]);
    const bad: [string, RegExp][] = [
      [`${one} rank=0`, /line 1: expected a rank from 1, got "0"/],
      [`${one} rank=1.5`, /expected a rank from 1/],
      [`${one} rank=1 rank=2`, /got "rank=2"/],
      [`${one} rank=1\n${two} rank=1`, /line 2: rank 1 is that of the key of line 1/],
      [`${one} expires=2027-02-30`, /line 1: expected expires= with a date in UTC/],
      [`${one} expires=tomorrow`, /expected expires= with a date/],
      [`${one} expires=2027-01-31T18:00`, /expected expires= with a date/],
      [`${one} expire=2027-01-31`, /line 1: expected rank=, expires= or a name/],
    ];
    for (const [text, words] of bad) {
      await Deno.writeTextFile(path, text);
      const { message } = await assertRejects(() => readAllowedKeys(path), SyntaxError);
      assertMatch(message, words);
    }
  }));

Deno.test("checkProof() refuses a key past its date, in words of its own", async () => {
  const [publicKey = ""] = await newKeys(1);
  const allowed = new Map([[publicKey, { name: "", expires: Date.UTC(2020, 0, 1) }]]);
  const gatekeeper: Gatekeeper = { kind: "keys", allowed };
  const challenge = makeChallenge(gatekeeper, { server: "s", run: "r" });
  const { message, fault } = await assertRejects(
    () => checkProof(gatekeeper, challenge, { method: "ed25519", publicKey, signature: "" }),
    ProtocolError,
  );
  assertEquals(fault, "not-authorized");
  assertMatch(message, /has expired on 2020-01-01T00:00:00\.000Z$/);
});

Deno.test("KeyList.reload() tells what has changed, and keeps the list when the file is of no use", () =>
  inFolder(async (folder) => {
    const path = `${folder}/allowed`;
    const [one = "", two = "", three = ""] = await newKeys(3);
    await Deno.writeTextFile(path, `${one} a\n${two} b\n`);
    const keys = await KeyList.read(path);
    const told: (KeyListChange | Error)[] = [];
    const end = keys.subscribe((change) => told.push(change));

    await Deno.writeTextFile(path, `${two} c\n${three}\n`);
    const change = {
      added: new Map([[three, { name: "" }]]),
      removed: new Map([[one, { name: "a" }]]),
      changed: new Map([[two, { name: "c" }]]),
    };
    assertEquals(await keys.reload(), change);
    for (const text of ["", "nokey\n", `${one}\n${one}\n`]) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => keys.reload(), Error, "allowed keys");
    }
    await Deno.remove(path);
    await assertRejects(() => keys.reload(), Error, "there is no such file");
    assertEquals([keys.has(one), keys.has(two), keys.size], [false, true, 2]);
    assertEquals(told.map((one) => one instanceof Error), [false, true, true, true, true]);
    assertEquals(told[0], change);

    end();
    await Deno.writeTextFile(path, `${one}\n`);
    await Promise.all([keys.reload(), keys.reload()]);
    assertEquals(told.length, 5);
  }));

Deno.test("checkToken() refuses tokens that are soon guessed, says how to make one, and shows none of it", () => {
  const weak = [
    " ".repeat(16),
    "a".repeat(40),
    "abababababababab",
    "passwordpassword",
    "password12345678",
    "P4sswordPassword!",
    "abcdefghijklmnop",
    "1234567890123456",
    "0123456789abcdef",
    "qwertyuiopasdfgh",
    "zyxwvutsrqponmlk",
    "letmeinletmeinletmein",
    "changeme-changeme-changeme",
    "fedlab-secret-token",
    "administratoradministrator",
    "0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d".slice(0, 8).repeat(4),
  ];
  for (const token of weak) {
    const { message } = assertThrows(() => checkToken(token), RangeError, undefined, token);
    assertMatch(message, /^Cannot use the token: expected .*; make one with openssl rand -hex 16$/);
    if (token.trim() !== "") assertEquals(message.includes(token), false);
  }
});

Deno.test("checkToken() takes random tokens, and sentences", () => {
  for (let n = 0; n < 2000; n++) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (const token of [bytes.toHex(), bytes.toBase64()]) assertEquals(checkToken(token), token);
  }
  for (const token of ["correct horse battery", crypto.randomUUID(), "3945071628451937"]) {
    assertEquals(checkToken(token), token);
  }
});
