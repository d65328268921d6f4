import { ClientSyncTop, digits, NativeSGDHandler, partition, silentLogger } from "../../../mod.ts";

// node client.js ADDRESS RANK CLIENTS trains as one of the clients of a server.
const [address = "", rank = "", clients = ""] = process.argv.slice(2);
const data = await digits();
const parts = [...partition("iid", data, { parts: Number(clients), seed: 1 })];
await new ClientSyncTop(
  new NativeSGDHandler({ data, rows: parts[Number(rank) - 1] ?? new Uint32Array() }),
  {
    serverAddr: address,
    rank: Number(rank),
    distBackend: "websocket",
    logger: silentLogger,
  },
).run();
console.log("trained");
