import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import { Kernels, type ParameterVector, Random, type Strategy } from "../mod.ts";

/** A vector of standard normal numbers. */
export function normalVector(length: number, rank: number): ParameterVector {
  const random = new Random(11, "test", { rank });
  return Float32Array.from({ length }, () => random.normal());
}

/** What every strategy does, whatever its algorithm. */
export function testStrategyCompliance(make: () => Strategy): void {
  const { name } = make();

  Deno.test(`${name}: finish() without an update gives the vector that the round began with`, () => {
    const global = new Float32Array([1, -2, 3]);
    assertEquals([...make().begin(global).finish()], [1, -2, 3]);
  });

  Deno.test(`${name}: a round does not change the global vector or the updates`, () => {
    const global = normalVector(100, 0), update = normalVector(100, 1);
    const before = [...global], sent = [...update];
    const round = make().begin(global);
    round.accept({ rank: 1, parameters: update, numSamples: 3 });
    round.finish();
    assertEquals([...global], before);
    assertEquals([...update], sent);
  });

  Deno.test(`${name}: a second round begins afresh`, () => {
    const strategy = make();
    const global = normalVector(50, 0), update = normalVector(50, 1);
    const run = () => {
      const round = strategy.begin(global);
      round.accept({ rank: 1, parameters: update, numSamples: 5 });
      return [...round.finish()];
    };
    assertEquals(run(), run());
  });

  Deno.test(`${name}: clients that agree leave the parameters where they agree`, () => {
    const global = normalVector(64, 0), update = normalVector(64, 1);
    const round = make().begin(global);
    for (const [i, numSamples] of [1, 10, 100].entries()) {
      round.accept({ rank: i + 1, parameters: update, numSamples });
    }
    round.finish().forEach((value, i) => assertAlmostEquals(value, update[i] ?? NaN, 1e-6));
  });

  Deno.test(`${name}: an arena gives the same bits as plain arrays`, () => {
    const plain = [0, 1, 2, 3].map((rank) => normalVector(4099, rank));
    const kernels = Kernels.create(2 ** 20);
    const inArena = plain.map((vector) => {
      const view = kernels.alloc(vector.length);
      view.set(vector);
      return view;
    });
    const run = ([global, ...updates]: ParameterVector[]) => {
      assert(global !== undefined);
      const round = make().begin(global);
      for (const [i, parameters] of updates.entries()) {
        round.accept({ rank: i + 1, parameters, numSamples: 7 * i + 1 });
      }
      return [...round.finish()];
    };
    assertEquals(run(inArena), run(plain));
  });
}
