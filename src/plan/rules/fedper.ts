/**
 * The rule `fedper`.
 *
 * @module
 */

import type { Manifest } from "../../params/manifest.ts";
import { v } from "../deps.ts";
import { text } from "../schemas.ts";
import type { Rule } from "./rule.ts";

/**
 * Settings of the rule `fedper`: the named tensors stay on the client.
 *
 * Arivazhagan et al. 2019, "Federated Learning with Personalization Layers": the client trains and
 * is evaluated with its own tensors, and does not send them.
 */
export interface FedPerRule {
  /** Name of the rule. */
  readonly name: "fedper";
  /** Beginnings of the names of the tensors that stay, such as `"logits/"`. */
  readonly local: readonly string[];
}

/** Rule of FedPer: some tensors stay on the clients. */
export const fedper = {
  schema: v.strictObject({
    name: v.literal("fedper"),
    local: v.pipe(v.array(text(256)), v.minLength(1), v.maxLength(256)),
  }),
  keepsState: true,
  takesControl: false,
  sendsGradient: false,
  needsStrategy: false,
  check(rule, manifest) {
    localSpans(rule, manifest);
  },
  stays: localSpans,
  load(rule, client) {
    const { global, own } = client;
    if (own === undefined) return;
    const mixed = global.slice();
    for (const [from, to] of localSpans(rule, client.manifest)) {
      mixed.set(own.subarray(from, to), from);
    }
    client.parameters = mixed;
  },
  async train(rule, client) {
    const { global } = client;
    const result = await client.train();
    client.keep(client.parameters.slice());
    const sent = client.parameters.slice();
    for (const [from, to] of localSpans(rule, client.manifest)) {
      sent.set(global.subarray(from, to), from);
    }
    client.send(sent);
    return result;
  },
} satisfies Rule<FedPerRule>;

/**
 * Places of the tensors that stay on the client. Throws a `RangeError` if a beginning fits none.
 */
function localSpans(
  { local }: FedPerRule,
  { tensors }: Manifest,
): (readonly [from: number, to: number])[] {
  for (const prefix of local) {
    if (!tensors.some(({ name }) => name.startsWith(prefix))) {
      throw new RangeError(
        `Cannot keep tensors local: expected the beginning of one of ${
          tensors.map(({ name }) => name).join(", ")
        }, got ${JSON.stringify(prefix)}`,
      );
    }
  }
  return tensors.filter(({ name }) => local.some((prefix) => name.startsWith(prefix)))
    .map(({ offset, length }) => [offset, offset + length]);
}
