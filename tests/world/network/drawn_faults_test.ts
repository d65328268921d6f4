import { assert, assertEquals } from "@std/assert";
import type { Random } from "../../../src/base/random.ts";
import { delay } from "../../../src/base/time/delay.ts";
import { type Main, numbered, type TwoMachines, twoMachines } from "./two_machines.ts";

const SEEDS = 60;
/** Bytes that each end writes. */
const BYTES = 200_000;
/** Time in which faults begin, and longest time that each lasts, in seconds. */
const FAULT_SECONDS = 60, LONGEST_SECONDS = 20;

/** Counts of an end. */
interface End {
  written: number;
  read: number;
  /** Set while each byte that was read was the next one that was written. */
  isInOrder: boolean;
  /** Set if the reader has seen the end of the stream. */
  isAtEnd: boolean;
  error?: string;
}

/** Writes and reads at the same time, in shares and with pauses that are drawn. */
function talk(end: End, random: () => Random): Main {
  const all = numbered(BYTES);
  return async (channel) => {
    const note = (error: unknown) => void (end.error ??= String(error));
    const draw = random();
    const writing = async () => {
      while (end.written < BYTES) {
        const share = all.slice(end.written, end.written + 1 + draw.below(30_000));
        await channel.write(share);
        share.fill(0);
        end.written = Math.min(BYTES, end.written + share.length);
        await delay(8000 * draw.uniform());
      }
      await channel.closeWrite();
    };
    const reading = async () => {
      const into = new Uint8Array(100_000);
      for (;;) {
        const count = await channel.read(into.subarray(0, 1 + draw.below(into.length)));
        if (count === null) return void (end.isAtEnd = true);
        const isNext = into.subarray(0, count).every((byte, i) => byte === all[end.read + i]);
        end.isInOrder &&= isNext;
        end.read += count;
        await delay(2000 * draw.uniform());
      }
    };
    await Promise.all([writing().catch(note), reading().catch(note)]);
    channel.close();
  };
}

/** Imposes faults that end. */
function disturb({ world, a, b, at }: TwoMachines): void {
  const random = world.random("faults");
  const { network } = world;
  network.setAllLinks({ bytesPerSecond: 5_000 * 100 ** random.uniform() });
  for (let i = random.below(12); i >= 0; i--) {
    const begin = FAULT_SECONDS * random.uniform();
    const end = begin + LONGEST_SECONDS * random.uniform();
    const [from, to] = random.below(2) === 0 ? ["a", "b"] as const : ["b", "a"] as const;
    const kind = random.below(4);
    if (kind === 0) {
      const process = random.below(2) === 0 ? a : b;
      at(begin, () => process.pause());
      at(end, () => process.resume());
    } else {
      const change = [{ isCut: true }, { delayMillis: [1, 3000] as const }, { isCut: true }][
        kind - 1
      ] ?? {};
      at(begin, () => network.setLink(from, to, change));
      at(end, () => network.setLink(from, to, undefined));
    }
  }
}

/** Runs two ends under faults to the end. */
async function runOf(seed: number, isKilled: boolean) {
  const ends: Record<"a" | "b", End> = {
    a: { written: 0, read: 0, isInOrder: true, isAtEnd: false },
    b: { written: 0, read: 0, isInOrder: true, isAtEnd: false },
  };
  const machines: TwoMachines = twoMachines({
    a: talk(ends.a, () => machines.world.random("a")),
    b: talk(ends.b, () => machines.world.random("b")),
  }, seed);
  disturb(machines);
  if (isKilled) {
    machines.at(FAULT_SECONDS * machines.world.random("kill").uniform(), () => {
      machines.b.kill();
    });
  }
  await machines.run();
  const { world, lines } = machines;
  return { ends, lines, outcome: [world.now, world.scheduler.events, ends], world };
}

Deno.test("faults that end: all bytes of both ends arrive in order, once, unless one gives up", async () => {
  let whole = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { ends: { a, b }, world, lines } = await runOf(seed, false);
    for (const end of [a, b]) {
      assert(end.isInOrder, `seed ${seed}`);
      if (end.isAtEnd && end.error === undefined) assertEquals(end.read, BYTES, `seed ${seed}`);
    }
    if (lines.some((line) => line.includes("gives up"))) continue;
    whole++;
    const all = { written: BYTES, read: BYTES, isInOrder: true, isAtEnd: true };
    assertEquals([a, b, world.network.connections], [all, all, []], `seed ${seed}`);
  }
  // A sender gives up after 30 seconds at the soonest, so that most connections live on.
  assert(whole > SEEDS * 0.8 && whole < SEEDS, `${whole} connections lived on`);
});

Deno.test("faults and a kill: what arrives is a beginning of what was written", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { ends: { a, b } } = await runOf(seed, true);
    assert(a.isInOrder && b.isInOrder, `seed ${seed}`);
    // What was being written when the process was killed may have been sent in part.
    assert(a.read <= b.written + 30_000 && b.read <= BYTES, `seed ${seed}`);
    assert(a.isAtEnd || a.error !== undefined || a.written === BYTES, `seed ${seed}`);
  }
});

Deno.test("a seed gives the same run of the network again", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const [first, second] = [await runOf(seed, seed > 5), await runOf(seed, seed > 5)];
    assertEquals(first.outcome, second.outcome);
    assertEquals(first.world.trace.digest, second.world.trace.digest);
  }
});
