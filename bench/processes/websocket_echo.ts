/** Echo process of the WebSocket benchmark, on a bare WebSocket and on a connection. */
import { websocketTransport } from "../../src/net/websocket/transport.ts";
import { PingPong } from "../helpers/ping_pong.ts";
import { RawWebSocket } from "../helpers/raw_websocket.ts";

async function echoRaw(url: string, length: number): Promise<void> {
  const raw = new RawWebSocket(
    new WebSocket(url),
    new Uint8Array(length * Float32Array.BYTES_PER_ELEMENT).fill(1),
  );
  for (;;) {
    await raw.receive();
    raw.send();
  }
}

async function echoFramed(address: string, length: number): Promise<void> {
  await using side = new PingPong(await websocketTransport().connect(address), length);
  while (await side.receive()) await side.send();
}

if (import.meta.main) {
  const [url = "", address = "", values] = Deno.args;
  const length = Number(values);
  await Promise.race([echoRaw(url, length), echoFramed(address, length)]);
}
