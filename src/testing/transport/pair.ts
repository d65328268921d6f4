import { concat } from "../../base/bytes.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { Message } from "../../wire/messages.ts";
import { Connection } from "../../net/connection.ts";
import type { ConnectionOptions, Received } from "../../net/connection_options.ts";
import type { Channel, Listener, Transport } from "../../net/transport.ts";
import { encodeFrame } from "../../wire/frame.ts";
import { MessageCode } from "../../wire/message_code.ts";
import { assert, assertEquals } from "../deps.ts";

/** Number of values of the large vector: 8 MB, more than any socket buffers. */
export const LARGE = 2_000_000;
/** Seconds between heartbeats: a busy machine sends ten messages in that time. */
export const HEARTBEAT_SECONDS = 0.05;

export const exit = (reason: string): Message => ({ code: MessageCode.Exit, payload: { reason } });

export function update(round: number, parameters: Float32Array<ArrayBuffer>): Message {
  return { code: MessageCode.ParameterUpdate, payload: { round, parameters } };
}

export function frameOf(message: Message): Uint8Array<ArrayBuffer> {
  return concat(encodeFrame(message));
}

export function vectorOf(received: Received | null): Float32Array<ArrayBuffer> {
  const message = received?.message;
  assert(message?.code === MessageCode.ParameterUpdate, "a ParameterUpdate came");
  return message.payload.parameters;
}

/** Asserts that two vectors are equal. `assertEquals` would be slow on 2 million values. */
export function assertSameVector(
  got: Float32Array<ArrayBuffer>,
  expected: Float32Array<ArrayBuffer>,
): void {
  assertEquals(got.length, expected.length);
  assert(got.every((x, i) => x === expected[i]), "the vector came whole");
}

/** Returns a promise with a function that reports whether it has settled. */
export function watch<T>(promise: Promise<T>): { promise: Promise<T>; settled: () => boolean } {
  let done = false;
  const settle = () => done = true;
  promise.then(settle, settle);
  return { promise, settled: () => done };
}

export async function accepted(listener: Listener): Promise<Channel> {
  const channel = await listener.accept();
  assert(channel !== null, "a channel was accepted");
  return channel;
}

/** Opens a listener and a channel to it, which are closed at the end of the scope. */
export async function openChannels(
  transport: Transport,
  address: string,
): Promise<{ near: Channel; far: Channel } & Disposable> {
  const listener = await transport.listen(address);
  const [near, far] = await Promise.all([transport.connect(listener.address), accepted(listener)]);
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.close();
      far.close();
      listener.close();
    },
  };
}

/** Opens two connections that talk to each other, and end at the end of the scope. */
export async function openPair(
  transport: Transport,
  address: string,
  options: { near?: ConnectionOptions; far?: ConnectionOptions } = {},
): Promise<{ near: Connection; far: Connection } & Disposable> {
  const channels = await openChannels(transport, address);
  const near = new Connection(channels.near, options.near);
  const far = new Connection(channels.far, options.far);
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.abort(new Error("The test is over"));
      far.abort(new Error("The test is over"));
      channels[Symbol.dispose]();
    },
  };
}

/** Waits for the next turn of the event loop. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => void runtime.timers.setTimeout(resolve, 1));
}

export function corrupted(message: Message, at: number, byte: number): Uint8Array<ArrayBuffer> {
  const frame = frameOf(message);
  frame[at] = byte;
  return frame;
}
