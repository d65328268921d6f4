import type { ModelDescription } from "../../train/handler.ts";
import type { EncoderModel } from "../../train/models/encoder/encoder_model.ts";
import { parseEncoderModel } from "../../train/models/encoder/parse.ts";

/**
 * Reads the description of a model on a pretrained encoder.
 *
 * @throws {TypeError} If it is of another format, or malformed.
 */
export function encoderModelOf({ format, topology }: ModelDescription): EncoderModel {
  if (format === "text-encoder") return parseEncoderModel(topology);
  throw new TypeError(
    `Cannot use the adapters: expected a model of the format text-encoder, got ${format}`,
  );
}
