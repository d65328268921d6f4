import { didYouMean } from "../../base/did_you_mean.ts";
import { isRecord } from "../../base/json.ts";
import { checkTopology } from "./check_topology.ts";
import type { ModelDescription } from "../handler.ts";
import { LOSS_NAMES } from "../losses/losses.ts";
import { parseEncoderModel } from "./encoder/parse.ts";

/** Formats a foreign value, of any length and depth, for a message. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "a list" : "an object";
  }
  return `${value}`;
}

/**
 * Reads a model description from a foreign source, such as a file or a peer.
 *
 * @throws {TypeError} If a field is malformed; the message names it.
 */
export function parseModelDescription(value: unknown): ModelDescription {
  const where = "Cannot read the model description";
  if (!isRecord(value)) throw new TypeError(`${where}: expected an object, got ${typeof value}`);
  const { format, topology, loss } = value;
  if (format !== "tfjs-layers" && format !== "text-encoder") {
    throw new TypeError(
      `${where}: expected format "tfjs-layers" or "text-encoder", got ${shown(format)}`,
    );
  }
  if (!isRecord(topology)) throw new TypeError(`${where}: expected a topology that is an object`);
  if (format === "text-encoder") parseEncoderModel(topology);
  else if (typeof topology.class_name !== "string") {
    throw new TypeError(`${where}: expected a topology with class_name and config`);
  } else checkTopology(topology);
  const known = LOSS_NAMES.find((name) => name === loss);
  if (known === undefined) {
    throw new TypeError(
      `${where}: expected loss to be one of ${LOSS_NAMES.join(", ")}, got ${shown(loss)}${
        typeof loss === "string" ? didYouMean(loss, LOSS_NAMES) : ""
      }`,
    );
  }
  return { format, topology, loss: known };
}
