import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { parseCsvDataset } from "../../../src/data/catalog/table_dataset.ts";

const read = (cell: string) => parseCsvDataset(`a,b\n"${cell}",0\n1,1\n`, { header: true }).dataset;

Deno.test("parseCsvDataset() reads decimal numbers, with a sign, a fraction and an exponent", () => {
  const cells = {
    ...{ "7": 7, "+7": 7, "-7": -7, "007": 7, " 7\t": 7, "7.": 7, ".5": 0.5, "-0.5": -0.5 },
    ...{ "2e3": 2000, "5E-1": 0.5, "2e+1": 20 },
  };
  for (const [cell, value] of Object.entries(cells)) {
    assertEquals(read(cell).features[0], value, cell);
  }
});

Deno.test("parseCsvDataset() refuses the numbers of programming languages", () => {
  for (
    const cell of [
      ...["0x10", "0b1", "0o7", "1_000", "1n", "1f", "0x1p3", "1e", ".", "+", "--1", "1 000"],
      ...["Infinity", " Infinity", "-Infinity", "inf", "1e999", "１", "١"],
    ]
  ) {
    const error = assertThrows(() => read(cell), Error, "column a", cell);
    assert(/expected (a|finite) number/.test(error.message), error.message);
  }
});
