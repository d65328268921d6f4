import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { connectCluster } from "../../src/cluster/connect.ts";
import {
  DONE_STREAM,
  JOBS_STREAM,
  SESSIONS_BUCKET,
  VECTORS_STREAM,
} from "../../src/cluster/names.ts";
import { openBucket, provision } from "../../src/cluster/provision.ts";
import { sweepSessions } from "../../src/cluster/sweeps.ts";
import { inputOf, poolOptions } from "../../src/testing/pool/samples.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

const STREAMS = [JOBS_STREAM, DONE_STREAM, VECTORS_STREAM];

testWithNats("aborted runs leave nothing in the queue, and reserve no room", async ({ url }) => {
  const sample = await poolOptions();
  for (let run = 0; run < 8; run++) {
    await using pool = await ClusterPool.start({ url }, sample.options);
    await pool.publish(inputOf(sample));
    const stop = new AbortController();
    const jobs = Array.from({ length: 40 }, (_, i) => ({
      kind: "train" as const,
      round: 1,
      rank: 1 + i % 6,
    }));
    const running = pool.run(jobs, { take: () => {}, signal: stop.signal });
    stop.abort(new Error("stopped"));
    await assertRejects(() => running, Error, "stopped");
  }
  await using cluster = await connectCluster({ url });
  for (const name of STREAMS) {
    const { state, config } = await cluster.manager.streams.info(name);
    assertEquals([state.messages, state.consumer_count, config.max_bytes], [0, 0, -1], name);
  }
});

testWithNats(
  "what a coordinator that died has left is swept by the next one, or ages",
  async ({ url }) => {
    await using cluster = await connectCluster({ url });
    await provision(cluster, { sessionMillis: 60_000 });
    // A session without a lease is one whose coordinator has died.
    const entries = await openBucket(cluster, SESSIONS_BUCKET);
    await entries.put("dead", "{}");
    await cluster.manager.consumers.add(JOBS_STREAM, {
      durable_name: "dead",
      ack_policy: "explicit",
    });
    for (
      const subject of ["fedlab.job.dead.1.1", "fedlab.done.dead.1.1", "fedlab.vector.dead.a.0"]
    ) {
      await cluster.stream.publish(subject, new Uint8Array(1000));
    }
    await sweepSessions(cluster);
    for (const name of STREAMS) {
      const { state, config } = await cluster.manager.streams.info(name);
      assertEquals([state.messages, state.consumer_count, config.max_age], [0, 0, 60e9], name);
    }
    assertEquals(await Array.fromAsync(await entries.keys()), []);
  },
);
