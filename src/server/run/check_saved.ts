import type { RunContext } from "./run_context.ts";

/**
 * Checks that the model of a private round is saved before anything of it is told.
 *
 * @throws {Error} If it is not.
 */
export function checkSaved({ topology, record }: RunContext): void {
  const { handler: { privacy }, options: { checkpoints } } = topology;
  if (checkpoints === undefined || privacy === undefined) return;
  if (privacy.releases <= record.releasesSaved) return;
  throw new Error("Cannot tell of a private round: its model is not saved by saveRelease()");
}
