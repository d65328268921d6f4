import { ProtocolError } from "../../base/errors.ts";

const WHERE = "Cannot join";
/** Digits of a digest that an error repeats. */
const DIGITS = 12;

/**
 * Agreement of the clients of a run on the schema of their data: all have the digest of the
 * server's schema or, where the server has none, that of the first client that has one.
 */
export class SchemaAgreement {
  readonly #ofServer: string | undefined;
  #ofClients: string | undefined;

  /** Makes the agreement of a server with the digest of its schema, if it has one. */
  constructor(digest: string | undefined) {
    this.#ofServer = digest;
  }

  /**
   * Checks the digest with which a client says that it is ready.
   *
   * @throws {ProtocolError} If it is another: "schema-mismatch".
   */
  check(digest: string | undefined): void {
    const isServers = this.#ofServer !== undefined;
    if (digest === undefined) {
      if (!isServers) return;
      throw mismatch(
        "expected a client that arranges its data by the server's schema, got one that knows no schemas; update the client",
      );
    }
    const expected = this.#ofServer ?? (this.#ofClients ??= digest);
    if (digest === expected) return;
    const wayOut = isServers
      ? "update the client, or its handler"
      : "of a client before; give the server a schema";
    throw mismatch(
      `expected data of the schema ${short(expected)}, got ${short(digest)}; ${wayOut}`,
    );
  }
}

function mismatch(message: string): ProtocolError {
  return new ProtocolError("schema-mismatch", `${WHERE}: ${message}`);
}

function short(digest: string): string {
  return digest.slice(0, DIGITS);
}
