/**
 * Speed of reading a large frame.
 *
 * @module
 */

import { decodeBody, decodePrefix, encodeFrame, PREFIX_BYTES } from "../../src/wire/mod.ts";
import { MessageCode } from "../../src/wire/message_code.ts";
import { type BenchResult, mostResult } from "../result.ts";

const VALUES = 25_000_000;
const REPETITIONS = 200;

/**
 * Measures the time from a received frame of 100 MB to its message, whose vector is a view of the
 * frame. Ceiling: 1 ms.
 */
export function wireBench(): Promise<BenchResult[]> {
  const [head = new Uint8Array(), vector = new Uint8Array()] = encodeFrame({
    code: MessageCode.ParameterUpdate,
    payload: { round: 1, numSamples: 600, loss: 0.5, parameters: new Float32Array(VALUES).fill(1) },
  });
  const frame = new Uint8Array(head.length + vector.length);
  frame.set(head);
  frame.set(vector, head.length);
  const times: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const began = performance.now();
    const { code } = decodePrefix(frame.subarray(0, PREFIX_BYTES));
    const message = decodeBody(code, frame.subarray(PREFIX_BYTES));
    times.push(performance.now() - began);
    if (
      message.code !== MessageCode.ParameterUpdate ||
      message.payload.parameters.buffer !== frame.buffer
    ) throw new Error("Cannot measure the decoding: the vector was copied");
  }
  return Promise.resolve([mostResult("decode", times, { unit: "ms", most: 1 })]);
}
