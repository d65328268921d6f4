/**
 * The message `Registration`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { textLine, wholeNumber } from "../../plan/schemas.ts";
import { CODEC_LENGTH, MAX_CODECS, rank, sessionToken, worldSize } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Maximum number of characters of the name of a site. */
export const SITE_LENGTH = 64;

/** Version of secure aggregation that this package knows. */
export const SECURE_VERSION = 1;

/** Payload of `Registration`, client to server. */
export interface RegistrationPayload {
  /**
   * The rank the client wants, 1 to `worldSize - 1`; without it the server assigns the lowest free
   * one.
   */
  readonly rank?: number;
  /** The world size the client was given, the server included; compared with the server's. */
  readonly worldSize?: number;
  /**
   * The session token of an earlier connection in the same run, with which the client asks for its
   * rank back.
   */
  readonly token?: string;
  /** Name of the client's site, as it says. */
  readonly site?: string;
  /**
   * Names of the codecs that the client reads and writes, such as `"eden"`; a codec of its own has
   * its whole name. `"delta"` says that it reads differences. Absent if it knows none.
   */
  readonly codecs?: readonly string[];
  /** Version of secure aggregation that the client knows. Absent if it knows none. */
  readonly secure?: number;
  /** The client's software and version, for the server's log. */
  readonly agent: string;
}

/** Request of a client to join. */
export const registration = messageType(
  5,
  v.object({
    rank: v.exactOptional(rank),
    worldSize: v.exactOptional(worldSize),
    token: v.exactOptional(sessionToken),
    site: v.exactOptional(textLine(SITE_LENGTH)),
    codecs: v.exactOptional(v.pipe(v.array(textLine(CODEC_LENGTH)), v.maxLength(MAX_CODECS))),
    secure: v.exactOptional(wholeNumber(1)),
    agent: textLine(256),
  }),
);
