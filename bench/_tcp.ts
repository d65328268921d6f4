import { tcpTransport } from "../src/net/tcp.ts";
import { PingPong } from "./_ping_pong.ts";
import { withProcess } from "./_process.ts";
import { readAll, writeAll } from "./_raw.ts";
import { type BenchOptions, type BenchResult, rateResult } from "./result.ts";

/** A size of message that is sent there and back. */
export interface TcpCase {
  name: string;
  /** Values of the vector. */
  length: number;
  repetitions: number;
  target: number;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * A vector there and back between two processes. Value: as `ParameterUpdate` frames, each encoded, sent, received into a buffer that is used again,
 * and decoded. Ceiling: as many bytes over a raw socket between the same two processes, whole before they go back, likewise.
 */
export async function tcpBench(
  { name, length, repetitions, target }: TcpCase,
  { signal }: BenchOptions,
): Promise<BenchResult> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const framedListener = await tcpTransport.listen("127.0.0.1:0");
  const module = new URL("./_echo.ts", import.meta.url);
  const args = [(listener.addr as Deno.NetAddr).port, framedListener.address, length];
  try {
    return await withProcess(module, args, { signal }, async ({ signal }) => {
      using socket = await listener.accept();
      socket.setNoDelay(true);
      const channel = await framedListener.accept();
      if (channel === null) throw new Error("Cannot measure: the listener is closed");
      await using side = new PingPong(channel, length);
      const buffer = new Uint8Array(length * Float32Array.BYTES_PER_ELEMENT).fill(1);
      const raw: number[] = [];
      const framed: number[] = [];
      const warmUp = Math.ceil(repetitions / 10);
      for (let repetition = -warmUp; repetition < repetitions; repetition++) {
        signal.throwIfAborted();
        raw.push(
          await timed(async () => {
            await writeAll(socket, buffer);
            await readAll(socket, buffer);
          }),
        );
        framed.push(
          await timed(async () => {
            await side.send();
            await side.receive();
          }),
        );
      }
      const bytes = 2 * buffer.length;
      return rateResult(
        name,
        { bytes, times: framed.slice(warmUp) },
        { bytes, times: raw.slice(warmUp) },
        target,
      );
    });
  } finally {
    framedListener.close();
  }
}
