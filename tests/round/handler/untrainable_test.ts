import { assertThrows } from "jsr:@std/assert@1.0.19";
import { FedAsync, Manifest } from "../../../mod.ts";
import { AsyncParameterServerHandler } from "../../../src/round/handler/async_handler.ts";
import { SyncParameterServerHandler } from "../../../src/round/handler/sync_handler.ts";

Deno.test("a handler refuses a model of which no value is trainable", () => {
  const manifest = Manifest.of([
    { name: "frozen", shape: [2], trainable: false },
    { name: "variance", shape: [3], trainable: false },
  ]);
  const options = { manifest, parameters: new Float32Array(5), plan: { learningRate: 0.1 } };
  const expected = "Cannot train the model: none of its values is trainable";
  assertThrows(() => new SyncParameterServerHandler(options), RangeError, expected);
  assertThrows(
    () => new AsyncParameterServerHandler({ ...options, strategy: new FedAsync() }),
    RangeError,
    expected,
  );
});
