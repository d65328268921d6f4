import { assertEquals, assertRejects } from "@std/assert";
import { runtime } from "../../src/base/runtime/runtime.ts";
import { during, from, impose, type Schedule, together } from "../../src/world/faults/schedule.ts";
import { Federation } from "../../src/world/federation/federation.ts";
import { drawPlay } from "../../src/world/play.ts";
import { World } from "../../src/world/world.ts";

/** Runs a federation with faults, and looks at it at some times, in seconds. */
async function looks<Seen>(
  schedule: Schedule,
  times: readonly number[],
  look: (federation: Federation) => Seen,
): Promise<Seen[]> {
  const world = new World({ seed: 31 });
  const federation = new Federation(world, { ...drawPlay(31).plan, rounds: 1000 });
  await federation.start();
  impose(schedule, federation);
  const seen: Seen[] = [];
  for (const time of times) {
    await world.run(() => false, 1000 * time);
    seen.push(look(federation));
  }
  return seen;
}

const stateOf = (machine: string) => (federation: Federation) =>
  federation.processOn(machine)?.state ?? "none";
const SERVER = { machine: "server" } as const;

Deno.test("a process goes on when the last of its pauses has ended", async () => {
  const pause = { kind: "pause", ...SERVER } as const;
  const twice = together(during(10, 30, pause), during(20, 5, pause));
  const times = [9, 12, 22, 30, 41];
  assertEquals(
    await looks(twice, times, stateOf("server")),
    ["running", "paused", "paused", "paused", "running"],
  );
  const endless = together(from(10, pause), during(20, 5, pause));
  assertEquals(await looks(endless, [30], stateOf("server")), ["paused"]);
});

Deno.test("a machine has power again when the last of its outages has ended", async () => {
  const power = { kind: "power", ...SERVER } as const;
  const isOn = ({ world }: Federation) => world.machine("server").isOn;
  const twice = together(during(10, 10, power), during(15, 30, power));
  assertEquals(await looks(twice, [9, 12, 30, 46], isOn), [true, false, false, true]);
  assertEquals(await looks(twice, [30, 46], stateOf("server")), ["none", "running"]);
  const endless = together(during(10, 10, power), from(15, power));
  assertEquals(await looks(endless, [30], isOn), [false]);
});

Deno.test("a process that is killed during its pause is followed by one that runs", async () => {
  for (const kind of ["kill", "power"] as const) {
    const schedule = together(
      during(10, 100, { kind: "pause", ...SERVER }),
      during(20, 0, { kind, ...SERVER }),
      during(50, 10, { kind: "pause", ...SERVER }),
    );
    assertEquals(
      await looks(schedule, [19, 45, 55, 61, 111], stateOf("server")),
      ["paused", "running", "paused", "running", "running"],
      kind,
    );
  }
});

Deno.test("a link has the worst of its faults until each has ended", async () => {
  const cut = { kind: "link", from: "client-1", to: "server", change: { isCut: true } } as const;
  const all = { kind: "link", change: { isCut: true } } as const;
  const slow = { ...cut, change: { delayMillis: [50, 60] as [number, number] } } as const;
  const schedule = together(
    during(10, 20, cut),
    during(15, 5, cut),
    during(25, 10, all),
    during(25, 20, slow),
  );
  const link = ({ world: { network } }: Federation) => {
    const { isCut, delayMillis: [least] } = network.links.of("client-1", "server").state;
    return [isCut, least];
  };
  assertEquals(await looks(schedule, [9, 12, 21, 31, 36, 46], link), [
    [false, 0.2],
    [true, 0.2],
    [true, 0.2],
    [true, 50],
    [false, 50],
    [false, 0.2],
  ]);
});

Deno.test("faults of a clock and of a disk last over a restart, and add up", async () => {
  const schedule = together(
    during(10, 40, { kind: "clock", ...SERVER, millis: 5000 }),
    during(20, 0, { kind: "kill", ...SERVER }),
    during(30, 5, { kind: "clock", ...SERVER, millis: -2000 }),
  );
  const offset = ({ world }: Federation) => world.machine("server").wallClockOffset;
  assertEquals(await looks(schedule, [9, 25, 32, 45, 51], offset), [0, 5000, 3000, 5000, 0]);
});

Deno.test("World: one runs at a time, and the runtime is that of the thread after it", async () => {
  const { clock, files, timers, crypto, process } = runtime;
  const first = looks([], [5], stateOf("server"));
  await assertRejects(
    () => looks([], [5], stateOf("server")),
    Error,
    "Cannot run a world: another one runs in this thread",
  );
  assertEquals(await first, ["running"]);
  assertEquals({ clock, files, timers, crypto, process }, {
    ...{ clock: runtime.clock, files: runtime.files, timers: runtime.timers },
    ...{ crypto: runtime.crypto, process: runtime.process },
  });
  const file = await Deno.makeTempFile();
  await runtime.files.writeTextFile(file, "real");
  assertEquals(await Deno.readTextFile(file), "real");
  await Deno.remove(file);
  const began = performance.now();
  await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve, 20));
  assertEquals(performance.now() - began >= 15, true);
});
