/** Echo process of the TCP benchmarks, on a raw socket and on a connection. */
import { tcpTransport } from "../../src/net/tcp.ts";
import { PingPong } from "../helpers/ping_pong.ts";
import { readAll, writeAll } from "../helpers/raw.ts";

async function echoRaw(port: number, length: number): Promise<void> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  const buffer = new Uint8Array(length * Float32Array.BYTES_PER_ELEMENT).fill(1);
  while (await readAll(socket, buffer)) await writeAll(socket, buffer);
}

async function echoFramed(address: string, length: number): Promise<void> {
  await using side = new PingPong(await tcpTransport.connect(address), length);
  while (await side.receive()) await side.send();
}

if (import.meta.main) {
  const [port, address = "", values] = Deno.args;
  const length = Number(values);
  await Promise.all([echoRaw(Number(port), length), echoFramed(address, length)]);
}
