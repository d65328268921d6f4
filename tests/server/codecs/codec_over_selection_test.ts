/** Codecs where cohorts are larger than the number of wanted updates. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type ClientSelection, NativeSGDHandler } from "../../../mod.ts";
import { codedBytes, parseCodec } from "../../../src/codec/mod.ts";
import { handlerOf, live, parts, simulated, train } from "../../helpers/codec_runs.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const UPDATES = { fraction: 2 / 3 };

/** Client that trains until the server goes on without it. */
class LateHandler extends NativeSGDHandler {
  override train(
    ...[_plan, signal]: Parameters<NativeSGDHandler["train"]>
  ): ReturnType<NativeSGDHandler["train"]> {
    const { promise, reject } = Promise.withResolvers<never>();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    return promise;
  }
}

for (const late of [1, 2, 3]) {
  Deno.test(`without the late rank ${late} a run with codecs has the model of the two others`, async () => {
    const others = [1, 2, 3].filter((rank) => rank !== late);
    const selection: ClientSelection = { name: "others", select: () => others };
    const expected = await simulated(
      await handlerOf("eden:bits=1", "int8", { ...UPDATES, selection }),
    );
    const all = await simulated(await handlerOf("eden:bits=1", "int8"));
    assertNotEquals(all.modelDigest, expected.modelDigest);
    const clients = parts.map((rows, i) =>
      new (i + 1 === late ? LateHandler : NativeSGDHandler)({ data: train, rows })
    );
    const { manifest: { length } } = await handlerOf(undefined, undefined);
    const coded = codedBytes(parseCodec("eden:bits=1"), length);
    for (const distBackend of ["memory", "tcp", "websocket"] as const) {
      const handler = await handlerOf("eden:bits=1", "int8", { ...UPDATES, overSelection: 0.5 });
      const report = await live(handler, { clients, distBackend });
      assertEquals(report.modelDigest, expected.modelDigest, distBackend);
      for (const { cohort, received, bytesUp, bytesUpWhole = 0 } of report.rounds) {
        assertEquals(received, 2);
        assert(others.every((rank) => cohort.includes(rank)), `cohort ${cohort}`);
        assertEquals(bytesUpWhole - bytesUp, 2 * (4 * length - coded));
      }
    }
  });
}

Deno.test("over-selection with exact sums and codecs has the same model", async () => {
  const exact = { ...UPDATES, aggregation: "exact" } as const;
  const selection: ClientSelection = { name: "others", select: () => [1, 3] };
  const expected = await simulated(
    await handlerOf("eden:bits=2", "f16", { ...exact, selection }),
  );
  const clients = parts.map((rows, i) =>
    new (i === 1 ? LateHandler : NativeSGDHandler)({ data: train, rows })
  );
  const handler = await handlerOf("eden:bits=2", "f16", { ...exact, overSelection: 0.5 });
  const { modelDigest } = await live(handler, { clients });
  assertEquals(modelDigest, expected.modelDigest);
});
