/**
 * Client with its own CSV file.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/client.ts examples/own_data/biscoe.csv 127.0.0.1:9000
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/client.ts examples/own_data/dream.csv 127.0.0.1:9000
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/client.ts examples/own_data/torgersen.csv 127.0.0.1:9000
 *
 * The data: Gorman, Williams and Fraser 2014, "Ecological Sexual Dimorphism and Environmental
 * Variability within a Community of Antarctic Penguins", as in the palmerpenguins package, CC0.
 */
import { ClientSyncTop, readTableDataset, trainTestSplit } from "@fedlab/core";
import { ClientSGDHandler } from "@fedlab/core";

const [path, serverAddr = "127.0.0.1:9000"] = Deno.args;
if (path === undefined) {
  console.error("Usage: client.ts FILE.csv [HOST:PORT]");
  Deno.exit(2);
}

// No island has all three species or knows the others' measurements. So all clients use the same
// order of classes and the same scales of features.
const { dataset } = await readTableDataset(path, {
  labelColumn: "species",
  classes: ["Adelie", "Chinstrap", "Gentoo"],
});
const scales = [[44, 5], [17, 2], [200, 14], [4200, 800]] as const;
dataset.features.forEach((value, i, features) => {
  const [middle, spread] = scales[i % 4] ?? [0, 1];
  features[i] = (value - middle) / spread;
});

const { train, test } = trainTestSplit(dataset, { seed: 1 });
await using handler = new ClientSGDHandler({ data: train, testData: test });
await new ClientSyncTop(handler, { serverAddr }).run();
