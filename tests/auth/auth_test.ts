import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { Buffer } from "node:buffer";
import { createHmac, createPublicKey, verify } from "node:crypto";
import {
  answerChallenge,
  checkProof,
  type Credential,
  type Gatekeeper,
  generateKeyPair,
  makeChallenge,
  readAllowedKeys,
  readPrivateKey,
  writePrivateKey,
} from "../../src/auth/mod.ts";
import type { ChallengePayload, ProofPayload } from "../../src/wire/messages.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const NAMES = { server: "fl.example.org", run: "run-1" };
const TOKEN = "correct horse battery";
const IS_WINDOWS = Deno.build.os === "windows";

/** The key of RFC 8410, section 10. */
const RFC_PRIVATE = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const RFC_PUBLIC_DER = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
const RFC_PUBLIC = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE";

async function rfcCredential(): Promise<Extract<Credential, { kind: "key" }>> {
  return await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/rfc.key`, RFC_PRIVATE, { mode: 0o600 });
    return await readPrivateKey(`${folder}/rfc.key`);
  });
}

const keys: Gatekeeper = { kind: "keys", allowed: new Map([[RFC_PUBLIC, "ward 7"]]) };
const token: Gatekeeper = { kind: "token", token: TOKEN };

/** Encodes the signed text as the description of the protocol says. */
function signedText(method: string, { nonce, server, run }: ChallengePayload): Uint8Array {
  return Buffer.concat(
    ["fedlab-auth-v1", method, Buffer.from(nonce, "hex"), server, run].flatMap((part) => {
      const length = Buffer.alloc(4);
      const bytes = Buffer.from(part as string);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Gatekeepers of both kinds, each with a valid credential. */
async function kinds(): Promise<[Gatekeeper, Credential, string][]> {
  return [
    [keys, await rfcCredential(), `ed25519:${RFC_PUBLIC}`],
    [token, { kind: "token", token: TOKEN }, "token"],
  ];
}

async function assertNotAuthorized(action: () => Promise<unknown>, words: string): Promise<void> {
  const error = await assertRejects(action, ProtocolError, words);
  assertEquals(error.fault, "not-authorized");
  assert(!error.message.includes("\n") && !error.message.includes(TOKEN), error.message);
}

Deno.test("checkProof() gives the identity of who answers rightly", async () => {
  for (const [gatekeeper, credential, identity] of await kinds()) {
    const challenge = makeChallenge(gatekeeper, NAMES);
    const proof = await answerChallenge(credential, challenge, { serverName: NAMES.server });
    assertEquals(await checkProof(gatekeeper, challenge, proof), identity);
  }
});

Deno.test("answerChallenge() signs the documented bytes, as node:crypto reads them", async () => {
  const challenge = makeChallenge(keys, NAMES);
  const proof = await answerChallenge(await rfcCredential(), challenge);
  const key = createPublicKey({
    key: Buffer.from(RFC_PUBLIC_DER, "base64"),
    format: "der",
    type: "spki",
  });
  const signature = Buffer.from(proof.signature, "hex");
  assertEquals(proof.publicKey, RFC_PUBLIC);
  assert(verify(null, signedText("ed25519", challenge), key, signature));

  const byToken = await answerChallenge({ kind: "token", token: TOKEN }, {
    ...challenge,
    methods: ["token"],
  });
  const hmac = createHmac("sha256", TOKEN).update(signedText("token", challenge)).digest("hex");
  assertEquals(byToken, { method: "token", signature: hmac });
});

Deno.test("answerChallenge() gives the answers that the protocol's page shows", async () => {
  const challenge = {
    nonce: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    methods: ["ed25519", "token"],
    server: "localhost",
    run: "example",
  };
  assertEquals(
    (await answerChallenge(await rfcCredential(), challenge)).signature,
    "46987d15b70ab2beb037298ce74ad83c13987da7d7387813c0b5140199f86285" +
      "12783564608e6ec7d0f71d1edf87fc1d60c5e162e6420d15a5375f2f6b8da30b",
  );
  assertEquals(
    (await answerChallenge({ kind: "token", token: TOKEN }, challenge)).signature,
    "09d1f9dd2dd7c1641302eeaebb3d2310338cd7181352f312018abdec0cc629f3",
  );
});

Deno.test("checkProof() refuses an answer to another connection, server or run", async () => {
  for (const [gatekeeper, credential] of await kinds()) {
    const asked = makeChallenge(gatekeeper, NAMES);
    const proof = await answerChallenge(credential, asked);
    const others: [string, ChallengePayload][] = [
      ["another connection", makeChallenge(gatekeeper, NAMES)],
      ["another server", { ...asked, server: "fl.example.com" }],
      ["another run", { ...asked, run: "run-2" }],
      // The same characters, divided differently.
      ["shifted names", { ...asked, server: "fl.example.orgr", run: "un-1" }],
    ];
    for (const [what, challenge] of others) {
      const error = await assertRejects(
        () => checkProof(gatekeeper, challenge, proof),
        ProtocolError,
        "challenge",
        what,
      );
      assertEquals(error.fault, "not-authorized", what);
    }
  }
});

Deno.test("checkProof() refuses a signature that was changed, cut or left out", async () => {
  for (const [gatekeeper, credential] of await kinds()) {
    const challenge = makeChallenge(gatekeeper, NAMES);
    const proof = await answerChallenge(credential, challenge);
    const { signature } = proof;
    const flipped = (signature.startsWith("0") ? "1" : "0") + signature.slice(1);
    for (const bad of [flipped, signature.slice(2), `${signature}00`, "", "zz", "0"]) {
      await assertNotAuthorized(
        () => checkProof(gatekeeper, challenge, { ...proof, signature: bad }),
        "Cannot join: ",
      );
    }
  }
});

Deno.test("checkProof() refuses a key that is not on the list, and a stranger under a listed key", async () => {
  const challenge = makeChallenge(keys, NAMES);
  const stranger = await crypto.subtle.generateKey("Ed25519", true, ["sign"]) as CryptoKeyPair;
  const { x: own = "" } = await crypto.subtle.exportKey("jwk", stranger.publicKey);
  const sign = (publicKey: string) =>
    answerChallenge({ kind: "key", privateKey: stranger.privateKey, publicKey }, challenge);
  await assertNotAuthorized(
    async () => await checkProof(keys, challenge, await sign(own)),
    `the key "${own}" is not among those that the server allows`,
  );
  await assertNotAuthorized(
    async () => await checkProof(keys, challenge, await sign(RFC_PUBLIC)),
    "the signature is not one by",
  );
  const { publicKey: _, ...without } = await sign(RFC_PUBLIC);
  await assertNotAuthorized(() => checkProof(keys, challenge, without), "got none");
});

Deno.test("checkProof() refuses another token, and says neither", async () => {
  const challenge = makeChallenge(token, NAMES);
  const other = "another token of some length";
  const proof = await answerChallenge({ kind: "token", token: other }, challenge);
  const error = await assertRejects(() => checkProof(token, challenge, proof), ProtocolError);
  assertEquals(error.fault, "not-authorized");
  for (const secret of [TOKEN, other]) assert(!error.message.includes(secret), error.message);
});

Deno.test("checkProof() refuses the other method, whatever it proves", async () => {
  const [[, key], [, shared]] = await kinds() as [
    [Gatekeeper, Credential, string],
    [Gatekeeper, Credential, string],
  ];
  for (const [gatekeeper, credential] of [[keys, shared], [token, key]] as const) {
    const challenge = makeChallenge(gatekeeper, NAMES);
    const proof = await answerChallenge(credential, {
      ...challenge,
      methods: ["ed25519", "token"],
    });
    await assertNotAuthorized(
      () => checkProof(gatekeeper, challenge, proof),
      "the server asks for",
    );
  }
});

Deno.test("checkProof() of an open gatekeeper takes everyone", async () => {
  const open: Gatekeeper = { kind: "open" };
  const proof: ProofPayload = { method: "token", signature: "" };
  assertEquals(await checkProof(open, makeChallenge(open, NAMES), proof), "open");
});

Deno.test("answerChallenge() tells a client what is missing", async () => {
  const challenge = makeChallenge(keys, NAMES);
  await assertNotAuthorized(
    () => answerChallenge(undefined, challenge),
    "Cannot join: the server asks for a key, and none was given",
  );
  await assertNotAuthorized(
    () => answerChallenge({ kind: "token", token: TOKEN }, challenge),
    "Cannot join: the server asks for a key, got a token",
  );
  const credential = await rfcCredential();
  await assertNotAuthorized(
    () => answerChallenge(credential, challenge, { serverName: "fl.example.com" }),
    'expected the server "fl.example.com", got "fl.example.org"',
  );
});

Deno.test("makeChallenge() gives a nonce of 32 bytes, never the same, and refuses names that would not arrive", () => {
  const nonces = Array.from({ length: 100 }, () => makeChallenge(keys, NAMES).nonce);
  assertEquals(new Set(nonces).size, 100);
  for (const nonce of nonces) assertMatch(nonce, /^[0-9a-f]{64}$/);
  for (const server of ["", "a\nb", "x".repeat(257)]) {
    assertThrows(() => makeChallenge(keys, { ...NAMES, server }), RangeError, "server name");
  }
  assertThrows(() => makeChallenge(keys, { ...NAMES, run: "x".repeat(65) }), RangeError, "run");
});

Deno.test("a token of less than 16 characters is refused on both sides, and not shown", async () => {
  const short = "hunter2 hunter2";
  const words = "expected at least 16 characters, got 15";
  const atServer = assertThrows(
    () => makeChallenge({ kind: "token", token: short }, NAMES),
    RangeError,
    words,
  );
  const challenge = makeChallenge(token, NAMES);
  const atClient = await assertRejects(
    () => answerChallenge({ kind: "token", token: short }, challenge),
    RangeError,
    words,
  );
  for (const { message } of [atServer, atClient]) assert(!message.includes("hunter2"), message);
});

// Files

Deno.test("a key that was written is read again, and proves the public line's holder", () =>
  inFolder(async (folder) => {
    const path = `${folder}/client.key`, list = `${folder}/allowed.keys`;
    const { privateKeyPem, publicKey } = await generateKeyPair();
    await writePrivateKey(path, privateKeyPem);
    if (!IS_WINDOWS) assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    const warnings: string[] = [];
    const credential = await readPrivateKey(path, { onWarning: (line) => warnings.push(line) });
    assertEquals(credential.publicKey, publicKey);
    assertEquals(credential.privateKey.extractable, false);
    assertEquals(warnings, []);

    await Deno.writeTextFile(
      list,
      `\uFEFF# who may join\r\n\r\n  ${publicKey}\tward 7,  north \r\n`,
    );
    const allowed = await readAllowedKeys(list);
    assertEquals([...allowed], [[publicKey, { name: "ward 7, north" }]]);
    const gatekeeper: Gatekeeper = { kind: "keys", allowed };
    const challenge = makeChallenge(gatekeeper, NAMES);
    const proof = await answerChallenge(credential, challenge);
    assertEquals(await checkProof(gatekeeper, challenge, proof), `ed25519:${publicKey}`);
  }));

Deno.test("readPrivateKey() reads the key of RFC 8410, and knows its public one", async () => {
  assertEquals((await rfcCredential()).publicKey, RFC_PUBLIC);
});

Deno.test({
  name: "readPrivateKey() warns of a key that others may read",
  ignore: IS_WINDOWS,
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/client.key`;
      await Deno.writeTextFile(path, RFC_PRIVATE);
      await Deno.chmod(path, 0o644);
      const warnings: string[] = [];
      await readPrivateKey(path, { onWarning: (line) => warnings.push(line) });
      assertEquals(warnings, [
        `The private key ${path} may be read by others (mode 0644): run chmod 600 ${path}`,
      ]);
    }),
});

Deno.test("writePrivateKey() leaves a file that exists alone, and names what is missing", () =>
  inFolder(async (folder) => {
    const path = `${folder}/client.key`;
    await Deno.writeTextFile(path, "mine");
    const error = await assertRejects(() => writePrivateKey(path, RFC_PRIVATE), Error);
    assertEquals(
      error.message,
      `Cannot write the private key to ${path}: there is such a file, and a key that is written over is lost`,
    );
    assertEquals(await Deno.readTextFile(path), "mine");
    await assertRejects(
      () => writePrivateKey(`${folder}/none/client.key`, RFC_PRIVATE),
      Error,
      "there is no such folder",
    );
  }));

Deno.test("readPrivateKey() names the file and what lies in it, and shows none of it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/client.key`;
    const secret = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK";
    const pem = (label: string, text: string) =>
      `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
    const ec = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
    ]) as CryptoKeyPair;
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", ec.privateKey)).toBase64();
    const cases: [string, string][] = [
      ["", "something else"],
      [RFC_PUBLIC, "something else"],
      [pem("OPENSSH PRIVATE KEY", secret), "OPENSSH PRIVATE KEY"],
      [pem("PUBLIC KEY", RFC_PUBLIC_DER), "PUBLIC KEY"],
      [pem("PRIVATE KEY", secret), "a private key of another kind, or a broken one"],
      [pem("PRIVATE KEY", pkcs8), "a private key of another kind, or a broken one"],
    ];
    for (const [text, got] of cases) {
      await Deno.writeTextFile(path, text, { mode: 0o600 });
      const error = await assertRejects(() => readPrivateKey(path), SyntaxError);
      assertEquals(
        error.message,
        `Cannot read the private key in ${path}: expected an Ed25519 key in PKCS#8 PEM, got ${got}`,
      );
      assert(!Deno.inspect(error).includes(secret));
    }
    const error = await assertRejects(() => readPrivateKey(`${folder}/none.key`), Error);
    assertEquals(
      error.message,
      `Cannot read the private key in ${folder}/none.key: there is no such file`,
    );
  }));

Deno.test("readAllowedKeys() names file and line of what is no key, and refuses a list without one", () =>
  inFolder(async (folder) => {
    const path = `${folder}/allowed.keys`;
    // Its last character has unused bits: another encoding of the same key.
    const twin = `${RFC_PUBLIC.slice(0, -1)}F`;
    const cases: [string, string][] = [
      [
        "# list\nnokey ward 7\n",
        "line 2: expected a public key of 43 characters in base64url, got 5 ",
      ],
      [`${twin}\n`, "line 1: expected a public key of 43 characters in base64url, got 43 "],
      [`${RFC_PUBLIC} a\n\n${RFC_PUBLIC} b\n`, "line 3: the key of line 1 again"],
    ];
    for (const [text, words] of cases) {
      await Deno.writeTextFile(path, text);
      await assertRejects(
        () => readAllowedKeys(path),
        SyntaxError,
        `Cannot read the allowed keys in ${path}: ${words}`,
      );
    }
    await Deno.writeTextFile(path, "# nobody yet\n");
    await assertRejects(() => readAllowedKeys(path), RangeError, `${path}: expected at least 1`);
    await assertRejects(
      () => readAllowedKeys(`${folder}/none`),
      Error,
      `Cannot read the allowed keys in ${folder}/none: there is no such file`,
    );
  }));

// Environment and command

/** Runs a program that uses the package as a process, with only these permissions. */
async function runProgram(
  program: string,
  permissions: string[],
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/program.ts`, program);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "--no-lock", "--no-prompt", "--config", config],
        ...permissions,
        `${folder}/program.ts`,
        ...(options.args ?? []),
      ],
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  });
}

function moduleUrl(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}

Deno.test("tokenFromEnv() reads FEDLAB_TOKEN, or nothing without permission", async () => {
  const program = `
    import { tokenFromEnv } from ${moduleUrl("../../src/auth/token.ts")};
    try { console.log(String(tokenFromEnv())); } catch (error) { console.log(String(error)); }`;
  const allow = ["--allow-env=FEDLAB_TOKEN"];
  const said = async (permissions: string[], env: Record<string, string>) =>
    (await runProgram(program, permissions, { env })).stdout.trim();
  assertEquals(
    await Promise.all([
      said(allow, { FEDLAB_TOKEN: TOKEN }),
      said([], { FEDLAB_TOKEN: TOKEN }),
      said(allow, {}),
      said(allow, { FEDLAB_TOKEN: "short" }),
    ]),
    [
      TOKEN,
      "undefined",
      "undefined",
      "RangeError: Cannot use FEDLAB_TOKEN: expected at least 16 characters, got 5; make one with openssl rand -hex 16",
    ],
  );
});

Deno.test("keygen writes a key for its owner alone, and prints the line for the server's list", () =>
  inFolder(async (folder) => {
    const program = `
      import { keygenCommand } from ${moduleUrl("../../src/cli/commands/keygen.ts")};
      const command = keygenCommand({ signal: new AbortController().signal });
      try {
        await command.parseAsync(Deno.args, { from: "user" });
      } catch (error) {
        console.error(error.message);
        Deno.exit(1);
      }`;
    const path = `${folder}/client.key`;
    const permissions = [
      "--allow-read",
      "--allow-write",
      "--allow-env=NO_COLOR,FORCE_COLOR,CLICOLOR_FORCE",
    ];
    const args = ["--out", path, "--name", "ward 7"];
    const { code, stdout, stderr } = await runProgram(program, permissions, { args });
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^[\w-]{43} ward 7\n$/);
    assert(!stdout.includes("PRIVATE") && !stderr.includes("BEGIN"));
    await Deno.writeTextFile(`${folder}/allowed.keys`, stdout);
    const allowed = await readAllowedKeys(`${folder}/allowed.keys`);
    const { publicKey } = await readPrivateKey(path);
    assertEquals(allowed.get(publicKey), { name: "ward 7" });
    if (!IS_WINDOWS) assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);

    const again = await runProgram(program, permissions, { args });
    assertEquals(again.code, 1);
    assertMatch(again.stderr, /^Cannot write the private key to .*: there is such a file.*\n$/);
  }));
