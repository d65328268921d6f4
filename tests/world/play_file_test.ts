import { assertEquals, assertThrows } from "@std/assert";
import { drawPlay, play } from "../../src/world/play.ts";
import { readPlay, writePlay } from "../../src/world/play_file.ts";

Deno.test("readPlay() reads all runs that writePlay() writes", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const one = drawPlay(seed);
    assertEquals(readPlay(writePlay(one, ["a transition"])), one);
  }
});

Deno.test("a run that was written and read has the same log", async () => {
  const one = drawPlay(45);
  const [first, second] = [await play(one), await play(readPlay(writePlay(one)))];
  assertEquals([second.log, second.events], [first.log, first.events]);
});

Deno.test("readPlay() refuses a run of another version, and one that is damaged", () => {
  const { plan, schedule, ...play } = drawPlay(45), [timed] = schedule;
  const withPlan = (changed: object) => ({ ...play, plan: { ...plan, ...changed }, schedule });
  const withFault = (fault: object, changed: object = {}) => ({
    ...{ ...play, plan },
    schedule: [{ ...timed, fault, ...changed }],
  });
  const refused: readonly (readonly [value: unknown, message: string])[] = [
    [[], "expected the run to be an object"],
    [{}, "the run needs a whole number from 0 to 4294967295 as seed, got nothing"],
    [withPlan({ speed: 3 }), "the plan has the field speed, which this version does not know"],
    [
      withPlan({ rounds: undefined }),
      "the plan needs a whole number from 1 as rounds, got nothing",
    ],
    [withPlan({ proof: "face" }), 'the plan needs one of none, token, key as proof, got "face"'],
    [withPlan({ strategy: "fedbest" }), "fedbest"],
    [withPlan({ uplink: "int9" }), "int9"],
    [withFault({ kind: "fire" }), "fault 1 needs one of kill, stop, pause, power, reset, link"],
    [withFault({ kind: "kill", machine: "client-99" }), "fault 1 needs one of server, client-1"],
    [withFault({ kind: "kill" }), "as machine, got nothing"],
    [
      withFault({ kind: "link", change: { isCutt: true } }),
      "the link of fault 1 has the field isCutt, which this version does not know (did you mean isCut?)",
    ],
    [
      withFault({ kind: "disk", machine: "server", fault: { readErrors: 2 } }),
      "the disk of fault 1 needs a share from 0 to 1 as readErrors, got 2",
    ],
    [
      withFault({ kind: "kill", machine: "server" }, { at: -1 }),
      "fault 1 needs seconds from 0 as at, got -1",
    ],
    [
      withFault({ kind: "kill", machine: "server" }, {
        when: { machine: "server", state: "asleep", within: 5 },
      }),
      "Cannot wait for the state asleep of the server",
    ],
  ];
  for (const [value, message] of refused) {
    assertThrows(() => readPlay(JSON.stringify(value)), Error, message);
  }
  assertThrows(() => readPlay("{"), SyntaxError);
});
