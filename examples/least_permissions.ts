/**
 * Client that can only connect to its server. For data in a file, add `--allow-read=FILE`, and FILE
 * as the last argument.
 *
 *     deno task server --listen 127.0.0.1:9000 --world-size 2 --rounds 5
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/least_permissions.ts 127.0.0.1:9000
 */
import { ClientSyncTop, NativeSGDHandler, openData } from "@fedlab/core";

const [serverAddr = "127.0.0.1:9000", name = "digits"] = Deno.args;
await using handler = new NativeSGDHandler({ data: await openData(name) });
const client = new ClientSyncTop(handler, {
  serverAddr,
  loggerFile: "", // no file, so no --allow-write
  onEvent(event) {
    if (event.type === "trained") console.log(`loss ${event.result.loss.toFixed(3)}`);
  },
});
await client.run();
