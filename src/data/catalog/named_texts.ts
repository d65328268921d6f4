import type { NamedDataset } from "./named.ts";

/** Named data set of texts with labels, in two tables. */
export const BANKING77: Pick<NamedDataset, "name" | "title" | "folder" | "homes" | "files"> = {
  name: "banking77",
  title: "BANKING77",
  folder: "banking77",
  homes: [
    "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/",
  ],
  files: [
    {
      name: "train.csv",
      bytes: 839_073,
      checksum: {
        algorithm: "sha256",
        hex: "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
      },
    },
    {
      name: "test.csv",
      bytes: 239_961,
      checksum: {
        algorithm: "sha256",
        hex: "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
      },
    },
  ],
};
