/**
 * The message `ParameterRequest`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { messageType } from "./message_type.ts";

/** Payload of `ParameterRequest`: nothing. */
export type EmptyPayload = Readonly<Record<never, never>>;

/** Request of a client for the current model. */
export const parameterRequest = messageType(
  0,
  v.object({}),
);
