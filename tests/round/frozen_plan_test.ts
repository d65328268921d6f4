import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  FedAsync,
  Manifest,
  Scaffold,
  SyncParameterServerHandler,
} from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const options = {
  manifest: Manifest.of([{ name: "w", shape: [2] }]),
  parameters: new Float32Array(2),
};
const MAKE = {
  sync: (more: object) =>
    new SyncParameterServerHandler({ ...options, strategy: new Scaffold(), ...more }),
  async: (more: object) =>
    new AsyncParameterServerHandler({ ...options, strategy: new FedAsync(), ...more }),
};

for (const [mode, make] of Object.entries(MAKE)) {
  Deno.test(`the plan of a handler, ${mode}, cannot be changed, in whole or in part`, () => {
    const given = { learningRate: 0.5 };
    const schedule = { name: "exponential", decay: 0.5 } as const;
    const allows = { epochs: { least: 1, most: 5 } };
    const handler = make({ plan: given, schedule, allows });
    // The attempt of someone who would halve the rate after each round.
    assertThrows(() => Object.assign(handler.plan, { learningRate: 0.1 }), TypeError);
    assertThrows(
      () => Object.assign(handler, { plan: { ...handler.plan, learningRate: 0.1 } }),
      TypeError,
    );
    assertThrows(() => Object.assign(handler.planFor(1), { epochs: 9 }), TypeError);
    assertThrows(() => Object.assign(handler.schedule ?? {}, { decay: 1 }), TypeError);
    assertThrows(() => Object.assign(handler.allows?.epochs ?? {}, { most: 9 }), TypeError);
    if (handler.plan.rule) {
      assertThrows(() => Object.assign(handler.plan.rule ?? {}, { name: "gradient" }), TypeError);
    }
    // What was given stays the caller's own, and has no effect any more.
    given.learningRate = 9;
    assertEquals([1, 2, 3].map((round) => handler.planFor(round).learningRate), [0.5, 0.25, 0.125]);
    assertEquals(handler.plan.learningRate, 0.5);
  });

  Deno.test(`a handler, ${mode}, without a schedule has its plan in every round`, () => {
    const handler = make({});
    assertEquals(handler.planFor(7), handler.plan);
    assertEquals(handler.schedule, undefined);
  });
}
