import { InProcessPool, WorkerPool } from "../../src/sim/mod.ts";
import { testClientPool } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testClientPool("WorkerPool", WorkerPool.start);
testClientPool("InProcessPool", InProcessPool.start);
