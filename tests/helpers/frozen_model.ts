import { mlp, type ModelDescription } from "../../mod.ts";

/** Makes a model of the digits with a hidden layer of that many units, which is frozen. */
export function frozenModel(hiddenUnits: number): ModelDescription {
  const model = mlp({ inputShape: [8, 8, 1], hiddenUnits, numClasses: 10 });
  const units = `"units":${hiddenUnits}`;
  const text = JSON.stringify(model).replace(units, `${units},"trainable":false`);
  return JSON.parse(text) as ModelDescription;
}
