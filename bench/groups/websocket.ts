import { websocketTransport } from "../../src/net/websocket/transport.ts";
import { PingPong } from "../helpers/ping_pong.ts";
import { withProcess } from "../helpers/process.ts";
import { RawWebSocket } from "../helpers/raw_websocket.ts";
import { type SizeCase, thereAndBack } from "../helpers/there_and_back.ts";
import type { BenchOptions, BenchResult } from "../result.ts";

/**
 * Measures the round trip of a vector between two processes. Value: as `ParameterUpdate` frames
 * over the transport, with back-pressure. Ceiling: the same bytes over a bare WebSocket between the
 * same processes.
 */
export async function websocketBench(
  size: SizeCase,
  { signal }: BenchOptions,
): Promise<BenchResult> {
  const buffer = new Uint8Array(size.length * Float32Array.BYTES_PER_ELEMENT).fill(1);
  const opened = Promise.withResolvers<RawWebSocket>();
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen() {},
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    const raw = new RawWebSocket(socket, buffer);
    socket.onopen = () => opened.resolve(raw);
    return response;
  });
  const listener = await websocketTransport().listen("ws://127.0.0.1:0/");
  const module = new URL("../processes/websocket_echo.ts", import.meta.url);
  const args = [`ws://127.0.0.1:${server.addr.port}/`, listener.address, size.length];
  try {
    return await withProcess(module, args, { signal }, async ({ signal }) => {
      const raw = await opened.promise;
      const channel = await listener.accept();
      if (channel === null) throw new Error("Cannot measure: the listener is closed");
      await using side = new PingPong(channel, size.length);
      const bare = async () => {
        raw.send();
        await raw.receive();
      };
      return await thereAndBack(size, side, bare, signal);
    });
  } finally {
    listener.close();
    stop.abort();
    await server.finished;
  }
}
