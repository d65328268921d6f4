import {
  initialParameters,
  modelByName,
  type ModelDescription,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { assertEquals, assertThrows } from "@std/assert";

async function serverOf(model: ModelDescription, classWeights: number[]) {
  const initial = await initialParameters(model, 1, { engine: "native" });
  return () => new SyncParameterServerHandler({ ...initial, model, plan: { classWeights } });
}

Deno.test("a server refuses class weights for another number of classes than its model has", async () => {
  const three = modelByName("mlp", { inputShape: [2], numClasses: 3 });
  const binary = modelByName("lr", { inputShape: [2], numClasses: 2, loss: "sigmoidCrossEntropy" });
  const measures = modelByName("lr", { inputShape: [2], task: "regression" });
  const message = async (model: ModelDescription, weights: number[]) =>
    assertThrows(await serverOf(model, weights), RangeError).message;
  const where = "Cannot make a server: expected";
  assertEquals(await message(three, [1, 2]), `${where} class weights for 3 classes, got 2`);
  assertEquals(await message(binary, [1, 2, 3]), `${where} class weights for 2 classes, got 3`);
  assertEquals(
    await message(measures, [1, 2]),
    "Cannot make a server: a regression does not go with class weights: there are no classes",
  );
  assertEquals(await message(three, [1, -1, 1]), `${where} finite class weights from 0, got -1`);
  assertEquals(await message(three, [0, 0, 0]), `${where} a class weight above 0, got only 0`);
  assertEquals((await serverOf(three, [1, 2, 0]))().plan.classWeights, [1, 2, 0]);
  assertEquals((await serverOf(binary, [1, 2]))().plan.classWeights, [1, 2]);
});
