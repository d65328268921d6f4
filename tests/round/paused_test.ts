import { assertEquals } from "jsr:@std/assert@1.0.19";
import { FedAvg, Manifest, SyncParameterServerHandler } from "../../mod.ts";

const MANIFEST = Manifest.of([{ name: "w", shape: [2] }]);

/** Outcome of an update: refused on arrival, revoked after the others arrived, or counted. */
type Fate = "refused" | "refused later" | "counted";

/**
 * Returns the rounds in which a client is asked, which is asked whenever it does not pause, when
 * its updates have these outcomes in turn.
 */
function roundsAsked(fates: readonly Fate[], rounds: number): number[] {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy: new FedAvg(),
  });
  const asked: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    if (handler.paused(round).includes(1)) continue;
    const fate = fates[asked.length % fates.length];
    asked.push(round);
    handler.beginRound(round, 1);
    const parameters = new Float32Array(MANIFEST.length);
    if (fate !== "refused") handler.onReceive(1, { round, numSamples: 1, parameters });
    if (fate !== "counted") handler.onDrop(1, round, true);
  }
  return asked;
}

Deno.test("SyncParameterServerHandler.paused() doubles the pause of a client whose updates are refused as they come", () => {
  assertEquals(roundsAsked(["refused"], 40), [1, 3, 6, 11, 20, 37]);
});

Deno.test("SyncParameterServerHandler.paused() doubles the pause too where updates were taken in before they are refused", () => {
  assertEquals(roundsAsked(["refused later"], 40), [1, 3, 6, 11, 20, 37]);
  assertEquals(roundsAsked(["refused", "refused later"], 40), [1, 3, 6, 11, 20, 37]);
});

Deno.test("SyncParameterServerHandler.paused() asks again at once after an update that counts, which makes half a miss good", () => {
  assertEquals(roundsAsked(["refused later", "refused later", "counted"], 12), [1, 3, 6, 7, 10]);
});
