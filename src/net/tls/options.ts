/** Certificates and keys of one side of TLS. All texts are PEM. */
export interface TlsOptions {
  /**
   * Certificate of the server, followed by those between it and the CA. Needed to listen, with
   * `key`.
   */
  cert?: string;
  /** Private key of `cert`, in PKCS#8. */
  key?: string;
  /** Certificates of CAs that the client trusts besides those that Deno trusts by default. */
  caCerts?: string[];
  /** Name or IP address in the server's certificate. Default: the host of the address. */
  serverName?: string;
}

/**
 * Checks certificates and keys.
 *
 * @throws {TypeError} If a certificate lacks its key, or the reverse.
 * @throws {SyntaxError} If a text is not the expected PEM.
 */
export function checkTlsOptions({ cert, key, caCerts = [] }: TlsOptions): void {
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError(
      `Cannot use TLS: expected a certificate and its key, got only the ${
        cert === undefined ? "key" : "certificate"
      }`,
    );
  }
  if (cert !== undefined) checkPem("cert", cert, "CERTIFICATE");
  if (key !== undefined) checkPem("key", key, "PRIVATE KEY");
  caCerts.forEach((text, i) => checkPem(`caCerts[${i}]`, text, "CERTIFICATE"));
}

/** Checks that a text is PEM. The error does not quote the text: it may be a key. */
function checkPem(name: string, text: string, label: string): void {
  // A PKCS#1 or SEC1 key says "RSA PRIVATE KEY" or "EC PRIVATE KEY".
  const begin = new RegExp(`^-----BEGIN (?:RSA |EC )?${label}-----\\s*$`, "m");
  if (!begin.test(text)) {
    throw new SyntaxError(
      `Cannot use TLS: expected ${name} to be a PEM text with -----BEGIN ${label}-----`,
    );
  }
}
