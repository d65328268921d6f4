/** Process of all clients of rounds over raw sockets. */
import { readAll, writeAll } from "../helpers/raw.ts";
import { messageBytes } from "../helpers/raw_rounds.ts";

async function answer(port: number, sent: Uint8Array): Promise<void> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  const received = new Uint8Array(sent.length);
  while (await readAll(socket, received)) await writeAll(socket, sent);
}

if (import.meta.main) {
  const [port = 0, clients = 0, values = 0] = Deno.args.map(Number);
  const sent = new Uint8Array(messageBytes(values)).fill(2);
  await Promise.all(Array.from({ length: clients }, () => answer(port, sent)));
}
