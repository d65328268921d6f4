/**
 * The message `SurvivorList`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { attempt, rank, round } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `SurvivorList`, server to client. */
export interface SurvivorListPayload {
  /** The round, from 1. */
  readonly round: number;
  /** The attempt at the round. */
  readonly attempt: number;
  /** Ranks whose masked updates have arrived, in ascending order. */
  readonly survivors: readonly number[];
}

/** Members whose updates have arrived, for the clients to sign. */
export const survivorList = messageType(
  28,
  v.object({ round, attempt, survivors: v.array(rank) }),
);
