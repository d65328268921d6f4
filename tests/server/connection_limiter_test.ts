import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  type Admission,
  ConnectionLimiter,
  type Refusal,
} from "../../src/server/sessions/connection_limiter.ts";
import {
  completePeerLimits,
  DEFAULT_PEER_LIMITS,
  type PeerLimits,
} from "../../src/server/sessions/peer_limits.ts";
import { remoteAddress } from "../../src/server/sessions/remote_address.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Limiter with a clock that the test sets. */
function limiterOf(limits: Partial<PeerLimits> = {}) {
  const clock = { millis: 0 };
  const evicted: string[] = [];
  const limiter = new ConnectionLimiter(completePeerLimits(limits), () => clock.millis);
  const come = (remote: string) => limiter.admit(remote, () => evicted.push(remote));
  return { limiter, clock, evicted, come };
}

function admitted(outcome: Admission | Refusal): Admission {
  if ("refused" in outcome) throw new Error(outcome.refused);
  return outcome;
}

function refused(outcome: Admission | Refusal): Refusal {
  assert("refused" in outcome, "it was let in");
  return outcome;
}

Deno.test("remoteAddress() leaves transport and port out", () => {
  assertEquals(remoteAddress("tcp 10.0.0.7:5123"), "10.0.0.7");
  assertEquals(remoteAddress("tls example.org:443"), "example.org");
  assertEquals(remoteAddress("tcp [::1]:9000"), "::1");
  assertEquals(remoteAddress("tcp [::ffff:10.0.0.7]:9000"), "10.0.0.7");
  assertEquals(remoteAddress("memory example"), undefined);
});

Deno.test("remoteAddress() takes the addresses of one IPv6 network for one", () => {
  const network = "2001:db8:0:1::/64";
  for (
    const address of ["2001:db8:0:1::1", "2001:DB8:0000:0001:2:3:4:5", "2001:db8:0:1:2::%eth0"]
  ) {
    assertEquals(remoteAddress(`tcp [${address}]:9000`), network);
  }
  assertEquals(remoteAddress("tcp [2001:db8:0:2::1]:9000"), "2001:db8:0:2::/64");
  assertEquals(remoteAddress("tcp [2001:db8::1:0:0:1]:9000"), "2001:db8:0:0::/64");
});

Deno.test("completePeerLimits() replaces defaults by the given limits, and refuses invalid ones", () => {
  assertEquals(completePeerLimits({ connections: 7 }), { ...DEFAULT_PEER_LIMITS, connections: 7 });
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    const error = assertThrows(() => completePeerLimits({ unregistered: limit }), RangeError);
    assertEquals(
      error.message,
      `Cannot use the limit unregistered: expected a whole number of at least 1, got ${limit}`,
    );
  }
});

Deno.test("ConnectionLimiter admits a thousand clients of one machine at once by default", () => {
  const { limiter, evicted, come } = limiterOf();
  for (let i = 0; i < 1000; i++) admitted(come(`tcp 127.0.0.1:${2000 + i}`)).registered();
  assertEquals(limiter.counts, { open: 1000, unregistered: 0 });
  assertEquals(evicted, []);
});

Deno.test("ConnectionLimiter limits the connections of one address, not those of another", () => {
  const { come } = limiterOf({ connectionsPerAddress: 2 });
  const first = admitted(come("tcp 10.0.0.1:1"));
  admitted(come("tcp 10.0.0.1:2"));
  assertEquals(
    refused(come("tcp 10.0.0.1:3")).refused,
    "expected at most 2 connections from one address",
  );
  admitted(come("tcp 10.0.0.2:1"));
  first.release();
  first.release();
  admitted(come("tcp 10.0.0.1:4"));
  refused(come("tcp 10.0.0.1:5"));
});

Deno.test("ConnectionLimiter limits all connections together, and keeps registered ones", () => {
  const { limiter, evicted, come } = limiterOf({ connections: 2 });
  const first = admitted(come("tcp 10.0.0.1:1"));
  first.registered();
  admitted(come("tcp 10.0.0.2:1"));
  const third = admitted(come("tcp 10.0.0.3:1"));
  assertEquals(evicted, ["tcp 10.0.0.2:1"]);
  third.registered();
  assertEquals(refused(come("tcp 10.0.0.4:1")).refused, "expected at most 2 connections");
  first.release();
  admitted(come("tcp 10.0.0.4:1"));
  assertEquals(limiter.counts, { open: 2, unregistered: 1 });
});

Deno.test("ConnectionLimiter evicts the oldest silent connection of the address with the most", () => {
  const { limiter, evicted, come } = limiterOf({ unregistered: 3 });
  const honest = admitted(come("tcp 10.0.0.1:1"));
  for (let port = 1; port <= 5; port++) admitted(come(`tcp 10.0.0.66:${port}`));
  assertEquals(evicted, ["tcp 10.0.0.66:1", "tcp 10.0.0.66:2", "tcp 10.0.0.66:3"]);
  honest.registered();
  assertEquals(limiter.counts, { open: 3, unregistered: 2 });
});

Deno.test("ConnectionLimiter frees the place of an evicted connection once", () => {
  const { limiter, come } = limiterOf({ unregistered: 1 });
  const first = admitted(come("tcp 10.0.0.1:1"));
  const second = admitted(come("tcp 10.0.0.1:2"));
  first.registered();
  first.release();
  assertEquals(limiter.counts, { open: 1, unregistered: 1 });
  second.release();
  assertEquals(limiter.counts, { open: 0, unregistered: 0 });
});

Deno.test("ConnectionLimiter limits the rate of one address by a token bucket", () => {
  const { clock, come } = limiterOf({ arrivalsPerSecond: 10, arrivalsAtOnce: 3 });
  const comeAndGo = (address: string) => {
    const outcome = come(`tcp ${address}:1`);
    if (!("refused" in outcome)) outcome.release();
    return !("refused" in outcome);
  };
  const times = (count: number, address = "10.0.0.1") =>
    Array.from({ length: count }, () => comeAndGo(address)).filter(Boolean).length;
  assertEquals(times(5), 3);
  assertEquals(times(1, "10.0.0.2"), 1);
  clock.millis = 99;
  assertEquals(times(1), 0);
  clock.millis = 201;
  assertEquals(times(5), 2);
  clock.millis = 60_000;
  assertEquals(times(5), 3);
});

Deno.test("ConnectionLimiter reports a flood of refusals once a second", () => {
  const { clock, come } = limiterOf({ connectionsPerAddress: 1 });
  admitted(come("tcp 10.0.0.1:1"));
  const next = () => refused(come("tcp 10.0.0.1:2")).isRepeated;
  assertEquals([next(), next(), next()], [false, true, true]);
  clock.millis = 1000;
  assertEquals([next(), next()], [false, true]);
});

Deno.test("ConnectionLimiter keeps the count of an address during a flood from thousands of others", () => {
  const { clock, come } = limiterOf({ arrivalsPerSecond: 1, arrivalsAtOnce: 1 });
  admitted(come("tcp 10.0.0.1:1")).release();
  for (let i = 0; i < 5000; i++) {
    admitted(come(`tcp 11.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1`)).release();
  }
  refused(come("tcp 10.0.0.1:1"));
  clock.millis = 1000;
  admitted(come("tcp 10.0.0.1:1"));
});

Deno.test("ConnectionLimiter closes the older half of the unregistered connections when descriptors run out, and admits no more for a minute", () => {
  const { limiter, clock, evicted, come } = limiterOf();
  admitted(come("tcp 10.0.0.1:1")).registered();
  for (let port = 1; port <= 20; port++) admitted(come(`tcp 10.0.0.66:${port}`));
  assertEquals(limiter.relieve(), 10);
  assertEquals(evicted, Array.from({ length: 10 }, (_, i) => `tcp 10.0.0.66:${i + 1}`));
  assertEquals(limiter.counts, { open: 11, unregistered: 10 });
  admitted(come("tcp 10.0.0.2:1"));
  assertEquals(evicted.at(-1), "tcp 10.0.0.66:11");
  assertEquals(limiter.counts, { open: 11, unregistered: 10 });
  clock.millis = 60_000;
  admitted(come("tcp 10.0.0.3:1"));
  assertEquals(limiter.counts, { open: 12, unregistered: 11 });
});

Deno.test("ConnectionLimiter keeps room for clients that register at once, even if descriptors run out often", () => {
  const { limiter, evicted, come } = limiterOf();
  for (let port = 1; port <= 5; port++) admitted(come(`tcp 10.0.0.66:${port}`));
  assertEquals([limiter.relieve(), limiter.relieve()], [1, 0]);
  admitted(come("tcp 10.0.0.1:1")).registered();
  assertEquals(evicted.length, 2);
  assertEquals(limiter.counts, { open: 4, unregistered: 3 });
});

Deno.test("ConnectionLimiter admits any number of peers in its own process", () => {
  const { limiter, come } = limiterOf({ connections: 1, unregistered: 1, arrivalsAtOnce: 1 });
  for (let i = 0; i < 10; i++) admitted(come("memory example")).release();
  assertEquals(limiter.counts, { open: 0, unregistered: 0 });
});

/** Limiter with that many silent connections from each of ten addresses. */
function floodedLimiter(each: number) {
  const limiter = limiterOf();
  for (let i = 0; i < 10 * each; i++) limiter.come(`tcp 10.0.0.${i % 10}:${1000 + i}`);
  return limiter;
}

Deno.test("ConnectionLimiter admits few connections of a flooding address, one at a time, and refuses the others", () => {
  const { limiter, clock, evicted, come } = floodedLimiter(1000);
  assertEquals(limiter.counts.unregistered <= 80, true, `${limiter.counts.unregistered}`);
  // The first 256, and as many as may arrive at once.
  assertEquals(evicted.length <= 1024 + 256 + 10, true, `${evicted.length}`);
  assertEquals(
    refused(come("tcp 10.0.0.1:1")).refused,
    "expected at most 8 that have not registered from one address during a flood",
  );
  clock.millis += 100;
  const before = evicted.length;
  const one = admitted(come("tcp 10.0.0.1:2"));
  assertEquals(evicted.length, before + 1);
  refused(come("tcp 10.0.0.1:3"));
  // A registration makes room for the next connection.
  one.registered();
  admitted(come("tcp 10.0.0.1:4"));
});

Deno.test("ConnectionLimiter admits other addresses during a flood, and the flooding one a minute after it", () => {
  const { clock, evicted, come } = floodedLimiter(1000);
  const before = evicted.length;
  for (let i = 0; i < 8; i++) admitted(come(`tcp 10.0.1.1:${i}`));
  for (let i = 0; i < 200; i++) admitted(come(`tcp 10.0.1.2:${i}`)).registered();
  assertEquals(evicted.length, before);
  clock.millis += 60_000;
  for (let i = 0; i < 100; i++) admitted(come(`tcp 10.0.0.1:${i}`));
});

Deno.test("ConnectionLimiter does not count a thousand simultaneous clients of one machine as a flood", () => {
  const { come } = limiterOf();
  for (let i = 0; i < 1024; i++) admitted(come(`tcp 10.0.0.1:${2000 + i}`));
});

Deno.test("ConnectionLimiter reports evictions once a second", () => {
  const clock = { millis: 0 };
  const limiter = new ConnectionLimiter(
    completePeerLimits({ unregistered: 1 }),
    () => clock.millis,
  );
  const repeated: boolean[] = [];
  for (const millis of [0, 0, 10, 20, 1000, 1001]) {
    clock.millis = millis;
    limiter.admit(`tcp 10.0.0.1:${repeated.length}`, (_, isRepeated) => repeated.push(isRepeated));
  }
  assertEquals(repeated, [false, true, true, false, true]);
});
