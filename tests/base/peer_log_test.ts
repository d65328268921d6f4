import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { type Clock, MEMBER_LINES, PeerLog, STRANGER_LINES } from "../../src/base/log/peer_log.ts";
import { Refusals } from "../../src/base/limits/refusals.ts";
import type { Logger } from "../../src/base/log/log.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** A clock that goes on when it is told to. */
class FakeClock implements Clock {
  #now = 0;
  #due: { at: number; action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  later(millis: number, action: () => void): () => void {
    const one = { at: this.#now + millis, action };
    this.#due.push(one);
    return () => this.#due = this.#due.filter((other) => other !== one);
  }

  /** Number of calls that are due some time. */
  get pending(): number {
    return this.#due.length;
  }

  forward(millis: number): void {
    const end = this.#now + millis;
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }
}

function recorder(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const add = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
  const logger = { debug: add("DEBUG"), info: add("INFO"), warn: add("WARN"), error: add("ERROR") };
  return { logger, lines };
}

const HOUR = 3_600_000;
/** Lines an hour of those who flood. */
const FLOOD = 100_000;

Deno.test("PeerLog passes on what peers cause now and then, at once and as it is", () => {
  const clock = new FakeClock(), { logger, lines } = recorder();
  using log = new PeerLog(logger, MEMBER_LINES, clock);
  for (let rank = 1; rank <= 500; rank++) log.info(`rank ${rank}`, `Rank ${rank} joined`);
  log.warn("rank 3", "Lost rank 3");
  assertEquals(lines.length, 501);
  assertEquals(lines.at(-1), "WARN Lost rank 3");
  assertEquals(clock.pending, 0);
  // One late update a round, all day long.
  for (let round = 1; round <= 24; round++) {
    log.warn("rank 7", `round ${round}: too late`);
    clock.forward(HOUR);
  }
  assertEquals(lines.length, 525);
});

Deno.test("PeerLog counts what goes beyond a few lines a minute about one peer, and leaves others alone", () => {
  const clock = new FakeClock(), { logger, lines } = recorder();
  using log = new PeerLog(logger, MEMBER_LINES, clock);
  for (let i = 1; i <= 224; i++) log.warn("rank 3", `refused ${i}`);
  log.info("rank 4", "joined");
  const first = Array.from({ length: 10 }, (_, i) => `WARN refused ${i + 1}`);
  assertEquals(lines, [...first, "INFO joined"]);
  clock.forward(60_000);
  assertEquals(lines.slice(11), [
    "WARN 214 more lines about rank 3 in 60 s, the last: refused 224",
  ]);
  assertEquals(clock.pending, 0);
  log.warn("rank 3", "refused again");
  assertEquals(lines.at(-1), "WARN refused again");
});

Deno.test("PeerLog tells what it has left out when it ends, and does not call back then", () => {
  const clock = new FakeClock(), { logger, lines } = recorder();
  {
    using log = new PeerLog(logger, MEMBER_LINES, clock);
    for (let i = 1; i <= 11; i++) log.info("rank 3", `joined ${i}`);
    assertEquals([lines.length, clock.pending], [10, 1]);
  }
  assertEquals(lines.at(-1), "INFO 1 more line about rank 3 in 60 s, the last: joined 11");
  assertEquals(clock.pending, 0);
});

for (
  const [who, limits, peers] of [
    ["one member", MEMBER_LINES, 1],
    ["a hundred members", MEMBER_LINES, 100],
    ["a stranger", STRANGER_LINES, 1],
    ["100,000 strangers", STRANGER_LINES, 100_000],
  ] as const
) {
  Deno.test(`PeerLog writes at most 350 kB an hour about ${who} who flood`, () => {
    const clock = new FakeClock(), { logger, lines } = recorder();
    using log = new PeerLog(logger, limits, clock);
    const text = "Cannot take the figures: ".padEnd(4096, "x");
    const hours: number[] = [];
    for (let hour = 0; hour < 3; hour++) {
      lines.length = 0;
      for (let i = 0; i < FLOOD; i++) {
        log.warn(`peer ${i % peers}`, text);
        clock.forward(HOUR / FLOOD);
      }
      hours.push(new TextEncoder().encode(lines.join("\n")).length + 64 * lines.length);
    }
    for (const bytes of hours) assert(bytes > 1000 && bytes < 350_000, `${hours}`);
    assert((hours[1] ?? 0) <= (hours[0] ?? 0));
    assertMatch(lines.join("\n"), /more lines about|were left out/);
  });
}

Deno.test("lines about members and strangers, to a file and to standard error, are under 1 MB an hour", () => {
  const bytes = [MEMBER_LINES, STRANGER_LINES].map(({ bytesAtOnce, bytesPerHour }) =>
    // The count of what was left out comes on top of it, once a minute.
    bytesAtOnce + bytesPerHour + 60 * 150
  );
  assert(2 * bytes.reduce((sum, one) => sum + one) < 1_000_000);
});

Deno.test("Refusals bears a late answer to every question for ever, and no flood", () => {
  const late = new Refusals();
  for (let round = 0; round < 100_000; round++) {
    late.asked();
    assert(!late.add());
  }
  // Answers to a thousand questions that all come after the last of them.
  const slow = new Refusals();
  for (let round = 0; round < 1000; round++) slow.asked();
  for (let round = 0; round < 1000; round++) assert(!slow.add());
  const flood = new Refusals();
  let borne = 0;
  while (!flood.add()) borne++;
  assertEquals(borne, 64);
  const patient = new Refusals();
  for (let round = 0; round < 1_000_000; round++) patient.asked();
  for (borne = 0; !patient.add();) borne++;
  assertEquals(borne, 4096);
});
