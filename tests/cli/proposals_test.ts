import { assertStringIncludes } from "jsr:@std/assert@1.0.19";
import {
  loadDataset,
  modelByName,
  parseAsyncStrategy,
  parsePartition,
  parseSelection,
  parseStrategy,
} from "../../mod.ts";
import { errorMessage } from "../../src/base/errors.ts";
import { addPermission } from "../../src/cli/module/permissions.ts";
import { choice } from "../../src/cli/options/values.ts";
import { parseCodec } from "../../src/codec/registry.ts";
import { parseCsvDataset } from "../../src/data/mod.ts";
import { makeOn } from "../../src/engine/choose.ts";
import { transportOf } from "../../src/net/backend.ts";
import { checkSchedule } from "../../src/plan/schedule.ts";
import { parseClientPrivacy } from "../../src/privacy/client/parse.ts";
import { parsePrivacy, parsePrivateRun } from "../../src/privacy/parse.ts";
import { parseSecureAggregation } from "../../src/round/mod.ts";
import { checkLoss } from "../../src/train/losses/losses.ts";

/** Look-ups of a wrong name, and the name that is meant. */
const LOOK_UPS: readonly [look: () => unknown, meant: string][] = [
  [() => parseStrategy("FedAvg"), "fedavg"],
  [() => parseStrategy("fedprox:mi=0.1"), "mu"],
  [() => parseAsyncStrategy("fedbuf"), "fedbuff"],
  [() => modelByName("mpl", { inputs: 4, numClasses: 2 } as never), "mlp"],
  [() => checkLoss("hubre"), "huber"],
  [() => loadDataset("mnits"), "mnist"],
  [() => parsePartition("drichlet:0.3"), "dirichlet"],
  [() => parseSelection("uniformm"), "uniform"],
  [() => parseCodec("edne:bits=1"), "eden"],
  [() => parsePrivacy("fltr:epsilon=8"), "ftrl"],
  [() => parsePrivateRun("distribted:epsilon=8"), "distributed"],
  [() => parsePrivateRun("ftrl:epsilon=8,detla=1e-5"), "delta"],
  [() => parseClientPrivacy("recrod:noise=1"), "record"],
  [() => parseSecureAggregation("mni=10"), "min"],
  [() => transportOf("websockt"), "websocket"],
  [() => makeOn("nativ" as never, { native() {}, tfjs: () => Promise.resolve() }), "native"],
  [() => checkSchedule({ name: "cosin", rounds: 9 } as never, "Cannot train"), "cosine"],
  [() => parseCsvDataset("age,kind\n1,a\n", { labelColumn: "knid" }), "kind"],
  [() => choice(["table", "images"]).parse("tabel"), "table"],
  [() => addPermission("raed=data.csv"), "read"],
];

for (const [look, meant] of LOOK_UPS) {
  Deno.test(`the name ${meant} is proposed for one that is nearly the same`, async () => {
    const message = await Promise.resolve().then(look).then(() => "no error", errorMessage);
    assertStringIncludes(message, `(did you mean ${meant}?)`);
  });
}
