import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { addressBytes } from "../../../src/auth/certificates/address_bytes.ts";
import { issueCertificate, makeAuthority } from "../../../src/auth/certificates/certificate.ts";
import { integer, oid, time } from "../../../src/auth/certificates/der.ts";
import { fromPem, toPem } from "../../../src/auth/certificates/pem.ts";
import { replaceRuntime, runtime } from "../../../src/base/runtime/runtime.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const NAME = "authority";

/** Shakes hands as a client of `hostname` with a server that has the certificate. */
async function handshake(
  { certificate: cert, privateKey: key }: { certificate: string; privateKey: string },
  caCert: string,
  hostname: string,
): Promise<void> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const accepting = (async () => {
    using connection = await listener.accept();
    await connection.handshake().catch(() => {});
  })();
  const { port } = listener.addr;
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    using tls = await Deno.startTls(tcp, { hostname, caCerts: [caCert] });
    await tls.handshake();
  } finally {
    await accepting;
  }
}

Deno.test("issueCertificate() makes a certificate for the hosts alone, by that authority alone", async () => {
  const authority = await makeAuthority({ name: NAME, days: 10 });
  const other = await makeAuthority({ name: NAME, days: 10 });
  const issued = await issueCertificate({ ...authority, name: NAME }, {
    ...{ name: "nats", days: 5, hosts: ["nats.example.org", "10.1.2.3", "fd00::1"] },
  });
  for (const host of ["nats.example.org", "10.1.2.3", "fd00::1"]) {
    await handshake(issued, authority.certificate, host);
  }
  for (const host of ["example.org", "10.1.2.4", "fd00::2"]) {
    await assertRejects(
      () => handshake(issued, authority.certificate, host),
      Error,
      undefined,
      host,
    );
  }
  await assertRejects(() => handshake(issued, other.certificate, "nats.example.org"));
});

Deno.test("issueCertificate() makes a certificate that is valid from a day before to its last", async () => {
  const now = runtime.clock.unixMillis(), day = 86_400_000;
  for (const [days, isValid] of [[-4, true], [-6, false], [0.9, true], [1.1, false]] as const) {
    using _ = replaceRuntime({
      clock: { ...runtime.clock, unixMillis: () => now + days * day },
    });
    const authority = await makeAuthority({ name: NAME, days: 5 });
    const issued = await issueCertificate({ ...authority, name: NAME }, {
      ...{ name: "nats", days: 5, hosts: ["nats"] },
    });
    const shaking = handshake(issued, authority.certificate, "nats");
    if (isValid) await shaking;
    else await assertRejects(() => shaking, Error, undefined, `${days}`);
  }
});

Deno.test("issueCertificate() refuses no hosts, and a key that is none", async () => {
  const authority = { ...await makeAuthority({ name: NAME, days: 1 }), name: NAME };
  const options = { name: "nats", days: 1, hosts: ["nats"] };
  await assertRejects(() => issueCertificate(authority, { ...options, hosts: [] }), RangeError);
  const broken = { ...authority, privateKey: "-----BEGIN PRIVATE KEY-----" };
  await assertRejects(() => issueCertificate(broken, options), SyntaxError, "PRIVATE KEY");
});

Deno.test("DER has the bytes that the standard gives", () => {
  const hex = (bytes: Uint8Array) => bytes.toHex();
  // X.690, 8.19.5: the identifier 2.999.3.
  assertEquals(hex(oid("2.999.3")), "0603883703");
  assertEquals(hex(oid("1.2.840.113549")), "06062a864886f70d");
  assertEquals(hex(integer(new Uint8Array([0, 0, 127]))), "02017f");
  assertEquals(hex(integer(new Uint8Array([128]))), "02020080");
  assertEquals(hex(integer(new Uint8Array([0]))), "020100");
  assertEquals(hex(integer(new Uint8Array(200).fill(1))).slice(0, 8), "0281c801");
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(2));
  assertEquals(text(time(Date.UTC(2049, 11, 31, 23, 59, 59))), "491231235959Z");
  assertEquals(text(time(Date.UTC(2050, 0, 1))), "20500101000000Z");
});

Deno.test("addressBytes() reads addresses of both kinds, and no names", () => {
  assertEquals(addressBytes("10.0.0.255"), new Uint8Array([10, 0, 0, 255]));
  assertEquals(addressBytes("2001:db8::ff00:42")?.toHex(), "20010db80000000000000000ff000042");
  assertEquals(addressBytes("::")?.toHex(), "0".repeat(32));
  assertEquals(addressBytes("::ffff:1.2.3.4")?.toHex(), "00000000000000000000ffff01020304");
  for (const text of ["10.0.0.256", "10.0.0", "nats", "1:2", "::1::", "", "fe80::1%eth0"]) {
    assertEquals(addressBytes(text), undefined, text);
  }
});

Deno.test("fromPem() reads what toPem() writes, and names a block that is not there", () => {
  const bytes = new Uint8Array(100).map((_, i) => i);
  const text = toPem("CERTIFICATE", bytes);
  assertEquals(Math.max(...text.split("\n").map(({ length }) => length)), 64);
  assertEquals(fromPem("CERTIFICATE", `before\n${text}after`), bytes);
  assertThrows(() => fromPem("PRIVATE KEY", text), SyntaxError, `a block "PRIVATE KEY"`);
});
