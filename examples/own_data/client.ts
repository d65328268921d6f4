/**
 * Client with its own CSV file.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/client.ts examples/own_data/biscoe.csv 127.0.0.1:9000
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/client.ts examples/own_data/dream.csv 127.0.0.1:9000
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/client.ts examples/own_data/torgersen.csv 127.0.0.1:9000
 *
 * The data: Gorman, Williams and Fraser 2014, "Ecological Sexual Dimorphism and Environmental
 * Variability within a Community of Antarctic Penguins", as in the palmerpenguins package, CC0.
 */
import { ClientSGDHandler, ClientSyncTop, openData } from "@fedlab/core";
import { shareOf } from "@fedlab/core/data";

const [path, serverAddr = "127.0.0.1:9000"] = Deno.args;
if (path === undefined) {
  console.error("Usage: client.ts FILE.csv [HOST:PORT]");
  Deno.exit(2);
}

// No island has all three species or knows the others' measurements. The server's schema says in
// which order classes and features come, and how features are scaled.
const data = await shareOf(await openData(path), { holdOut: 1 / 6, seed: 1 });
await using handler = new ClientSGDHandler({ data });
await new ClientSyncTop(handler, { serverAddr }).run();
