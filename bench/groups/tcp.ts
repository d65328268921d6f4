import { tcpTransport } from "../../src/net/tcp.ts";
import { PingPong } from "../helpers/ping_pong.ts";
import { withProcess } from "../helpers/process.ts";
import { readAll, writeAll } from "../helpers/raw.ts";
import { type SizeCase, thereAndBack } from "../helpers/there_and_back.ts";
import type { BenchOptions, BenchResult } from "../result.ts";

/**
 * Measures the round trip of a vector between two processes. Value: as `ParameterUpdate` frames.
 * Ceiling: the same bytes over a raw socket between the same processes.
 */
export async function tcpBench(
  size: SizeCase,
  { signal }: BenchOptions,
): Promise<BenchResult> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const framedListener = await tcpTransport.listen("127.0.0.1:0");
  const module = new URL("../processes/echo.ts", import.meta.url);
  const args = [(listener.addr as Deno.NetAddr).port, framedListener.address, size.length];
  try {
    return await withProcess(module, args, { signal }, async ({ signal }) => {
      using socket = await listener.accept();
      socket.setNoDelay(true);
      const channel = await framedListener.accept();
      if (channel === null) throw new Error("Cannot measure: the listener is closed");
      await using side = new PingPong(channel, size.length);
      const buffer = new Uint8Array(size.length * Float32Array.BYTES_PER_ELEMENT).fill(1);
      const raw = async () => {
        await writeAll(socket, buffer);
        await readAll(socket, buffer);
      };
      return await thereAndBack(size, side, raw, signal);
    });
  } finally {
    framedListener.close();
  }
}
