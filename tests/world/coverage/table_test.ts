import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkMoment, transitionsOf } from "../../../src/world/coverage/machine.ts";
import { MACHINES } from "../../../src/world/coverage/table.ts";

const page = await Deno.readTextFile(
  new URL("../../../docs/PROTOCOL.md", import.meta.url),
);
const headings = new Set(page.match(/^#+ .*$/gm)?.map((line) => line.replace(/^#+ /, "")));

Deno.test("each transition names a section of the protocol's page that is there", () => {
  const missing = MACHINES.flatMap(transitionsOf).filter(({ section }) => !headings.has(section));
  assertEquals(missing.map(({ name, section }) => `${name}: ${section}`), []);
});

Deno.test("no machine has two transitions for one event in a state", () => {
  for (const machine of MACHINES) {
    const keys = transitionsOf(machine).map(({ from, on }) => `${from}: ${on}`);
    assertEquals(keys.filter((key, i) => keys.indexOf(key) !== i), [], machine.name);
  }
});

Deno.test("each state of a machine can be reached from its first one", () => {
  for (const machine of MACHINES) {
    const rows = transitionsOf(machine), known = new Set([machine.start]);
    for (let before = 0; before < known.size;) {
      before = known.size;
      for (const { from, to } of rows) if (known.has(from)) known.add(to);
    }
    const states = new Set(rows.flatMap(({ from, to }) => [from, to]));
    assertEquals([...states].filter((state) => !known.has(state)), [], machine.name);
    assert(rows.length > 0);
  }
});

Deno.test("checkMoment() names the machines and states that there are", () => {
  checkMoment({ machine: "client", state: "training", within: 1 }, MACHINES);
  const check = (machine: string, state: string) => () =>
    checkMoment({ machine, state, within: 1 }, MACHINES);
  assertThrows(check("clint", "training"), RangeError, "expected one of client,");
  assertThrows(check("client", "trainin"), RangeError, "expected one of connected,");
});
