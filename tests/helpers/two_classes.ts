import {
  Dataset,
  initialParameters,
  logisticRegression,
  SyncParameterServerHandler,
} from "../../mod.ts";

/** Eight rows of two features and two classes. */
export const DATA = new Dataset(
  Float32Array.from({ length: 16 }, (_, i) => i % 5),
  Int32Array.from({ length: 8 }, (_, i) => i % 2),
  [2],
  2,
);

const MODEL = logisticRegression({ inputShape: [2], numClasses: 2 });

/** Makes the handler of a server for these data. */
export async function makeHandler(): Promise<SyncParameterServerHandler> {
  return new SyncParameterServerHandler({ ...await initialParameters(MODEL, 1), model: MODEL });
}
