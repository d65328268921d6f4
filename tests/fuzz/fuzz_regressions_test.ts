import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { MessageCode } from "../../mod.ts";
import { type Channel, Connection } from "../../src/net/mod.ts";
import { frameOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Returns the frame of a vector. */
function updateFrame(length: number): Uint8Array<ArrayBuffer> {
  return frameOf({
    code: MessageCode.ParameterUpdate,
    payload: { round: 1, parameters: new Float32Array(length).fill(length) },
  });
}

Deno.test("a connection reads ahead the size of its largest small frame, also after larger ones", async () => {
  // The third frame comes in two parts.
  const lengths = [100, 2000, 2000, 10_000, 100];
  const frames = lengths.map(updateFrame);
  const [first, second, third, ...others] = frames;
  assert(first && second && third);
  const parts = [first, second, third.subarray(0, 9), third.subarray(9), ...others];
  /** Size of the buffer at each read that begins a part. */
  const sizes: number[] = [];
  let at = 0;
  const channel: Channel = {
    remote: "fake",
    read: (into) => {
      if (at === 0) sizes.push(into.buffer.byteLength);
      const part = parts[0];
      if (part === undefined) return Promise.resolve(null);
      const bytes = part.subarray(at, at + into.length);
      into.set(bytes);
      at += bytes.length;
      if (at === part.length) {
        parts.shift();
        at = 0;
      }
      return Promise.resolve(bytes.length);
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };
  await using connection = new Connection(channel);
  for (const length of lengths) {
    const message = (await connection.receive())?.message;
    assertEquals(message?.code, MessageCode.ParameterUpdate);
    assertEquals(message?.payload, { round: 1, parameters: new Float32Array(length).fill(length) });
  }
  assertEquals(await connection.receive(), null);
  // The frame of 2000 values has 8 KiB, that of 10,000 is no small one.
  const ahead = 9 * 1024;
  assertEquals(sizes, [1024, 1024, ahead, ahead, ahead, ahead, ahead]);
});
