import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { MessageCode, ProtocolError } from "../../mod.ts";
import { flood, logOf, MANIFEST, refuseAll, refused, withServer } from "./log_flood.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("a joined client that floods is dropped, and its log stays small", async () => {
  const { text, received, events } = await logOf(async (address) => {
    for (let i = 0; i < 20; i++) {
      const { refused, fault } = await flood(address);
      assertEquals(fault, "too-many-faults");
      assert(refused >= 64 && refused <= 128, `${refused}`);
    }
  });
  assert(events.filter(({ type }) => type === "update-refused").length > 1000);
  assert(text.length < 10_000, `${text.length}`);
  assertMatch(text, /\d+ more lines about rank 2 in 60 s, the last: /);
  assertEquals(received, [1, 1, 1]);
});

Deno.test("floods of unregistered peers leave a small log, and the run's own lines are complete", async () => {
  const { text } = await logOf(async (address) => {
    for (let i = 0; i < 300; i++) await refused(address);
  });
  assert(text.length < 5_000, `${text.length}`);
  assertMatch(
    text,
    /295 more lines about 127\.0\.0\.1 in 60 s, the last: Refused a client at tcp /,
  );
  for (const round of [1, 2, 3]) assertMatch(text, new RegExp(`INFO Round ${round} of 3: `));
});

Deno.test("a client with two refused answers in every round stays", async () => {
  const rounds = 60;
  const { events } = await logOf(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    for (let round = 1; round < rounds;) {
      ({ round } = await peer.until(MessageCode.ParameterUpdate));
      await peer.update(round);
      // Again, as after a lost connection.
      await peer.update(round);
      await peer.update(round);
    }
  }, rounds);
  const refused = events.filter(({ type }) => type === "update-refused").length;
  assert(refused >= 2 * (rounds - 1), `${refused}`);
  assertEquals(events.filter(({ type }) => type === "client-lost"), []);
});

Deno.test("a client leaves a server that refuses updates which it never sent, and its log stays small", async () => {
  const heard = Promise.withResolvers<unknown>();
  const { error, text } = await withServer(async (connection) => {
    (async () => {
      for (;;) heard.resolve((await connection.receive())?.message);
    })().catch(() => {});
    await refuseAll(connection);
  }, { timeouts: { drainSeconds: 0.3 } });
  assert(error instanceof ProtocolError);
  assertEquals(error.fault, "too-many-faults");
  assertMatch(String(Object(await heard.promise).payload.message), /refuses more than it was sent/);
  assert(text.length < 20_000, `${text.length}`);
  assertMatch(text, /more lines about the server in 60 s/);
});

Deno.test("a client that is admitted and disconnected repeatedly gives up after the join time-out", async () => {
  let joins = 0;
  const began = performance.now();
  const { error, text } = await withServer((connection) => {
    joins++;
    connection.abort(new Error("cut"));
    return Promise.resolve();
  }, { timeouts: { joinSeconds: 1, drainSeconds: 0.1 } });
  assert(error instanceof Error);
  const millis = performance.now() - began;
  assert(millis >= 900 && millis < 10_000, `${millis}`);
  // The pauses grow meanwhile.
  assert(joins >= 2 && joins < 15, `${joins}`);
  assert(text.length < 5_000);
});

Deno.test("a client that gets work and is disconnected repeatedly stays with its server", async () => {
  let joins = 0;
  const { error } = await withServer(async (connection) => {
    if (++joins === 12) {
      await connection.send({ code: MessageCode.Exit, payload: { reason: "over" } });
      await connection.receive();
      return;
    }
    const parameters = new Float32Array(MANIFEST.length);
    await connection.send({
      code: MessageCode.ParameterUpdate,
      payload: { round: joins, parameters },
    });
    await connection.receive();
    connection.abort(new Error("cut"));
  }, { timeouts: { joinSeconds: 0.5, drainSeconds: 0.1 } });
  assertEquals(error, undefined);
});
