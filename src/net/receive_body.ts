import { decodeBody, type FrameHeader } from "../wire/frame.ts";
import { isBulk, messageName } from "../wire/message_code.ts";
import type { BodyKeeper, BodyPlace, Received, ReceiveOptions } from "./connection_options.ts";
import type { FrameInput } from "./frame_input.ts";

/**
 * Receives the body of a frame, at once if all of it was read ahead: the reader of a connection
 * waits for each frame, so it keeps no more than that needs.
 *
 * @throws The errors of `Connection.receive`, at once or later.
 */
export function receiveBody(
  input: FrameInput,
  header: FrameHeader,
  place: ReceiveOptions["place"],
): Received | Promise<Received> {
  const placed = isBulk(header.code) && place !== undefined
    ? place(header)
    : new Uint8Array(header.bodyLength);
  return placed instanceof Promise
    ? placed.then((place) => receiveInto(input, header, place))
    : receiveInto(input, header, placed);
}

function receiveInto(
  input: FrameInput,
  header: FrameHeader,
  place: BodyPlace,
): Received | Promise<Received> {
  if (place === undefined) return refused(input, header, 0);
  if ("claim" in place) return receiveKept(input, header, place);
  const body = bodyIn(place, header), taken = input.takeBody(body);
  if (taken === body.length) return received(header, body);
  return input.readBody(header, body, taken).then(() => received(header, body));
}

async function receiveKept(
  input: FrameInput,
  header: FrameHeader,
  keeper: BodyKeeper,
): Promise<Received> {
  const kept = await input.keepBody(header, keeper), place = await keeper.claim();
  if (place === undefined) return await refused(input, header, kept);
  const body = bodyIn(place, header);
  await input.readBody(header, body, kept);
  return received(header, body);
}

async function refused(input: FrameInput, header: FrameHeader, kept: number): Promise<Received> {
  await input.skipBody(header, kept);
  return { header, message: undefined };
}

function received(header: FrameHeader, body: Uint8Array<ArrayBuffer>): Received {
  return { header, message: decodeBody(header.code, body) };
}

/** Returns the part of a buffer for the body; throws a `RangeError` if the buffer is too short. */
function bodyIn(
  buffer: Uint8Array<ArrayBuffer>,
  { code, bodyLength }: FrameHeader,
): Uint8Array<ArrayBuffer> {
  if (buffer.length >= bodyLength) return buffer.subarray(0, bodyLength);
  throw new RangeError(
    `Cannot read ${
      messageName(code)
    }: expected a buffer of ${bodyLength} bytes, got ${buffer.length}`,
  );
}
