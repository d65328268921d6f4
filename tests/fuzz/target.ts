import { MessageCode, type Random, type Transport } from "../../mod.ts";
import {
  decodeBody,
  decodePrefix,
  type Message,
  messageName,
  PREFIX_BYTES,
} from "../../src/wire/mod.ts";
import type { Bytes } from "./frames.ts";

/** One case's target and means. */
export interface Target {
  readonly address: string;
  readonly transport: Transport;
  readonly random: Random;
  /** Number of the case. */
  readonly index: number;
  /** Aborted when the case's time is over. */
  readonly signal: AbortSignal;
}

/** What a server answered: names of codes, and of faults after `Error`. */
export type Answer = readonly string[];

export type Attack = (target: Target) => Promise<Answer>;

/** Each kind of case, and how often it comes. */
export type Attacks = readonly (readonly [name: string, weight: number, attack: Attack])[];

/** The kind of case that the random numbers choose. */
export function choose(attacks: Attacks, random: Random): Attacks[number] {
  const total = attacks.reduce((sum, [, weight]) => sum + weight, 0);
  let at = random.uniform() * total;
  const chosen = attacks.find(([, weight]) => (at -= weight) < 0) ?? attacks[0];
  if (chosen === undefined) throw new Error("There are no attacks");
  return chosen;
}

/** Reads what a server's bytes say. Throws when they are no sound frames. */
export function parseAnswer(bytes: Bytes): Answer {
  const heard: string[] = [];
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const { code, bodyLength } = decodePrefix(bytes.subarray(at));
    at += PREFIX_BYTES;
    if (at + bodyLength > bytes.length) break;
    heard.push(nameOf(decodeBody(code, bytes.slice(at, at + bodyLength))));
    at += bodyLength;
  }
  return heard;
}

export function nameOf({ code, payload }: Message): string {
  return code === MessageCode.Error ? payload.fault : messageName(code);
}
