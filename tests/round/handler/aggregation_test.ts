import { assertEquals } from "jsr:@std/assert@1.0.19";
import { CoordinateMedian, FedAvg, Manifest, Scaffold } from "../../../mod.ts";
import { withExactSums } from "../../../src/round/handler/aggregation.ts";

Deno.test("withExactSums() makes room for the sums of a strategy, where an arena can hold them", () => {
  const options = (length: number, aggregation: "running" | "exact") => {
    const manifest = Manifest.of([{ name: "w", shape: [length] }]);
    return { manifest, parameters: new Float32Array(), aggregation };
  };
  const sumBytes = (length: number) => 24 * length + 4096;
  assertEquals(withExactSums(100, options(1000, "running"), new FedAvg()), 100);
  assertEquals(withExactSums(100, options(1000, "exact"), new CoordinateMedian()), 100);
  assertEquals(withExactSums(100, options(1000, "exact"), new FedAvg()), 100 + sumBytes(1000));
  assertEquals(
    withExactSums(100, options(1000, "exact"), new Scaffold()),
    100 + 2 * sumBytes(1000),
  );
  // 3.6 GB of sums beside 1.2 GB would be more than a memory of 4 GiB has.
  const large = options(150_000_000, "exact");
  assertEquals(withExactSums(1.2e9, large, new FedAvg()), 1.2e9);
});
