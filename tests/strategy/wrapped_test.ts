import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Ditto, FedAdam, FedNova, FedPer, FedProx, Krum, NormClipping } from "../../mod.ts";

for (
  const wrap of [
    (mean: Krum | FedNova) => new FedProx({ mean }),
    (mean: Krum | FedNova) => new Ditto({ mean }),
    (mean: Krum | FedNova) => new FedPer({ local: ["logits/"], mean }),
    (mean: Krum | FedNova) => new FedAdam({ mean }),
    (mean: Krum | FedNova) => new NormClipping({ bound: 1, mean }),
  ]
) {
  const { name } = wrap(new Krum());
  Deno.test(`${name} needs as many updates as krum, and is as robust`, () => {
    const wrapped = wrap(new Krum({ attackers: 2 }));
    assertEquals(wrapped.fewestUpdates, 7);
    assertEquals(wrapped.isRobust, true);
    assertEquals(wrapped.needsHonestMajority, true);
    assertEquals(wrapped.countsSteps, false);
  });

  Deno.test(`${name.replace("krum", "fednova")} counts steps`, () => {
    assertEquals(wrap(new FedNova()).countsSteps, true);
  });
}
