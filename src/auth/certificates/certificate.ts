/**
 * Certificates of an authority of one's own, and of servers that it vouches for.
 *
 * @module
 */

import { concat } from "../../base/bytes.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import {
  bitString,
  explicit,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  tagged,
  time,
  utf8,
  yes,
} from "./der.ts";
import { addressBytes } from "./address_bytes.ts";
import { fromPem, toPem } from "./pem.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Certificate with its private key, in PEM. */
export interface IssuedCertificate {
  /** The certificate, X.509 v3. */
  readonly certificate: string;
  /** Its private key, PKCS#8. */
  readonly privateKey: string;
}

/** Options of {@linkcode makeAuthority} and {@linkcode issueCertificate}. */
export interface CertificateOptions {
  /** Name of the owner. */
  readonly name: string;
  /** Days for which the certificate is valid. */
  readonly days: number;
}

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const OID = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKey: "2.5.29.14",
  keyUsage: "2.5.29.15",
  alternativeNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKey: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
} as const;
const DAY_MILLIS = 86_400_000;
/** Milliseconds before now from which a certificate is valid: clocks differ. */
const EARLY_MILLIS = DAY_MILLIS;

/** Makes an authority: a certificate that signs itself, ECDSA on P-256 with SHA-256. */
export async function makeAuthority(options: CertificateOptions): Promise<IssuedCertificate> {
  const keys = await makeKeys();
  const id = await keyId(keys.publicKey);
  const certificate = await sign({
    ...options,
    issuer: options.name,
    publicKey: keys.publicKey,
    signer: keys.privateKey,
    extensions: [
      extension(OID.basicConstraints, sequence(yes()), { isCritical: true }),
      // Signs certificates and lists of revoked ones.
      extension(OID.keyUsage, bitString(new Uint8Array([0b0000_0110]), 1), { isCritical: true }),
      extension(OID.subjectKey, octetString(id)),
    ],
  });
  return { certificate, privateKey: await exportKey(keys.privateKey) };
}

/**
 * Issues the certificate of a server.
 *
 * @param authority Certificate and private key of the authority.
 * @param hosts Names and IP addresses of the server, as clients spell them.
 * @throws {SyntaxError} If the authority's PEM cannot be read.
 * @throws {RangeError} If there are no hosts.
 */
export async function issueCertificate(
  authority: IssuedCertificate & { readonly name: string },
  { hosts, ...options }: CertificateOptions & { readonly hosts: readonly string[] },
): Promise<IssuedCertificate> {
  if (hosts.length === 0) throw new RangeError("expected a host for the certificate, got none");
  const signer = await importKey(authority.privateKey);
  const { x = "", y = "" } = await runtime.crypto.subtle.exportKey("jwk", signer);
  const authorityKey = await runtime.crypto.subtle.importKey(
    "jwk",
    { kty: "EC", crv: CURVE.namedCurve, x, y },
    CURVE,
    true,
    ["verify"],
  );
  const keys = await makeKeys();
  const certificate = await sign({
    ...options,
    issuer: authority.name,
    publicKey: keys.publicKey,
    signer,
    extensions: [
      extension(OID.basicConstraints, sequence(), { isCritical: true }),
      extension(OID.keyUsage, bitString(new Uint8Array([0b1000_0000]), 7), { isCritical: true }),
      extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuthentication))),
      extension(OID.subjectKey, octetString(await keyId(keys.publicKey))),
      extension(OID.authorityKey, sequence(tagged(0x80, await keyId(authorityKey)))),
      extension(OID.alternativeNames, sequence(...hosts.map(alternativeName))),
    ],
  });
  return { certificate, privateKey: await exportKey(keys.privateKey) };
}

interface ToSign extends CertificateOptions {
  readonly issuer: string;
  readonly publicKey: CryptoKey;
  readonly signer: CryptoKey;
  readonly extensions: readonly Bytes[];
}

async function sign(
  { name, days, issuer, publicKey, signer, extensions }: ToSign,
): Promise<string> {
  const { subtle } = runtime.crypto, now = runtime.clock.unixMillis();
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const serial = runtime.random.getRandomValues(new Uint8Array(16));
  const body = sequence(
    explicit(0, integer(new Uint8Array([2]))),
    integer(serial),
    algorithm,
    nameOf(issuer),
    sequence(time(now - EARLY_MILLIS), time(now + days * DAY_MILLIS)),
    nameOf(name),
    new Uint8Array(await subtle.exportKey("spki", publicKey)),
    explicit(3, sequence(...extensions)),
  );
  const signature = new Uint8Array(await subtle.sign(SIGNATURE, signer, body));
  const half = signature.length / 2;
  const pair = sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)));
  return toPem("CERTIFICATE", sequence(body, algorithm, bitString(pair)));
}

function nameOf(name: string): Bytes {
  return sequence(setOf(sequence(oid(OID.commonName), utf8(name))));
}

function extension(id: string, value: Bytes, { isCritical = false } = {}): Bytes {
  return sequence(oid(id), ...(isCritical ? [yes()] : []), octetString(value));
}

/** Encodes a host as an IP address where it is one, else as a DNS name. */
function alternativeName(host: string): Bytes {
  const address = addressBytes(host);
  if (address !== undefined) return tagged(0x87, address);
  return tagged(0x82, new TextEncoder().encode(host));
}

async function makeKeys(): Promise<CryptoKeyPair> {
  return await runtime.crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

/** Computes the id of a key: SHA-1 of its bits (RFC 5280, section 4.2.1.2, method 1). */
async function keyId(publicKey: CryptoKey): Promise<Bytes> {
  const raw = await runtime.crypto.subtle.exportKey("raw", publicKey);
  return new Uint8Array(await runtime.crypto.subtle.digest("SHA-1", concat([new Uint8Array(raw)])));
}

async function exportKey(key: CryptoKey): Promise<string> {
  return toPem("PRIVATE KEY", new Uint8Array(await runtime.crypto.subtle.exportKey("pkcs8", key)));
}

async function importKey(pem: string): Promise<CryptoKey> {
  const pkcs8 = fromPem("PRIVATE KEY", pem);
  return await runtime.crypto.subtle.importKey("pkcs8", pkcs8, CURVE, true, ["sign"]);
}
