import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Arrivals } from "../../src/base/limits/arrivals.ts";
import { Deadlines } from "../../src/base/time/deadlines.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function drain<Value>(arrivals: Arrivals<Value>): Value[] {
  const values: Value[] = [];
  while (arrivals.size > 0) values.push(arrivals.shift() as Value);
  return values;
}

Deno.test("Arrivals keeps the order when the first, the last or one between leaves", () => {
  const arrivals = new Arrivals<number>();
  const all = [0, 1, 2, 3, 4].map((value) => arrivals.add(value));
  for (const i of [2, 0, 4]) assertEquals(all[i] && arrivals.delete(all[i]), true);
  assertEquals([arrivals.first, arrivals.size], [1, 2]);
  arrivals.add(5);
  assertEquals(drain(arrivals), [1, 3, 5]);
  assertEquals([arrivals.first, arrivals.shift(), arrivals.size], [undefined, undefined, 0]);
});

Deno.test("Arrivals lets a value leave once, and what has left points at nothing", () => {
  const arrivals = new Arrivals<string>();
  const [a, b] = [arrivals.add("a"), arrivals.add("b")];
  assertEquals([arrivals.delete(a), arrivals.delete(a), arrivals.size], [true, false, 1]);
  assertEquals([a.before, a.after], [undefined, undefined]);
  assertEquals([arrivals.shift(), arrivals.delete(b)], ["b", false]);
});

Deno.test("Deadlines calls those that were not ended, in order, and leaves no timer", async () => {
  const deadlines = new Deadlines(0.02);
  const late: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  deadlines.begin(() => late.push("a"));
  const ended = deadlines.begin(() => late.push("b"));
  deadlines.begin(() => {
    late.push("c");
    // One that begins in another's time is waited for, too.
    deadlines.begin(() => (late.push("d"), resolve()));
  });
  deadlines.end(ended);
  deadlines.end(ended);
  await promise;
  assertEquals(late, ["a", "c", "d"]);
  deadlines.end(deadlines.begin(() => late.push("e")));
});

Deno.test("Deadlines waits again after its process was held up: what was said meanwhile is read first", async () => {
  const deadlines = new Deadlines(0.01);
  const { promise, resolve } = Promise.withResolvers<number>();
  deadlines.begin(() => resolve(performance.now()));
  const until = performance.now() + 1300;
  while (performance.now() < until);
  assert(await promise - until > 500, "it was late before anything could be read");
});
