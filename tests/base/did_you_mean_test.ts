import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { didYouMean, editDistance } from "../../src/base/did_you_mean.ts";

Deno.test("editDistance() counts insertions, omissions, replacements and exchanges", () => {
  const cases: [string, string, number][] = [
    ...[["", "", 0], ["", "abc", 3], ["abc", "", 3], ["abc", "abc", 0]] as [
      string,
      string,
      number,
    ][],
    ...[["kitten", "sitting", 3], ["fedvag", "fedavg", 1], ["ca", "abc", 3]] as [
      string,
      string,
      number,
    ][],
  ];
  for (const [a, b, distance] of cases) {
    assertEquals(editDistance(a, b), distance, `${a} ${b}`);
    assertEquals(editDistance(b, a), distance, `${b} ${a}`);
  }
});

Deno.test("didYouMean() proposes the closest name, the first of several, or none", () => {
  const names = ["fedavg", "fedprox", "fedadam", "krum", "iid", "id"];
  assertEquals(didYouMean("FedAvg", names), " (did you mean fedavg?)");
  assertEquals(didYouMean("fedprix", names), " (did you mean fedprox?)");
  assertEquals(didYouMean("crum", names), " (did you mean krum?)");
  assertEquals(didYouMean("idd", names), " (did you mean iid?)");
  assertEquals(didYouMean("xy", names), "");
  assertEquals(didYouMean("momentum", names), "");
  assertEquals(didYouMean("", names), "");
  assertEquals(didYouMean("fedavg", []), "");
});

Deno.test("didYouMean() spends no time on a name of a million characters", () => {
  const long = "a".repeat(1_000_000);
  assertEquals(didYouMean(long, [long.slice(1)]), "");
  assert(didYouMean("a".repeat(100), ["a".repeat(99)]) !== "");
});
