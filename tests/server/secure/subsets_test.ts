import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { DeadlineError, MessageCode } from "../../../mod.ts";
import { clearModel, runSecure, type StageName, STAGES } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];
const SUBSETS = Array.from(
  { length: 31 },
  (_, i) => ALL.filter((rank) => (i + 1) >> (rank - 1) & 1),
);
/** Beginning of what a server says that waits for clients, of whom too few are left. */
const WAITS = /waiting for others to come back/;

class Gone extends Error {}
class Waits extends Error {}

/** Result of a round over TCP whose clients in a set go away for good at a stage. */
interface Outcome {
  readonly model?: Float32Array;
  readonly tries?: number | undefined;
  readonly error?: unknown;
  /** Ranks that were asked for shares. */
  readonly asked: ReadonlySet<number>;
}

async function roundWithout(lost: readonly number[], stage: StageName): Promise<Outcome> {
  const asked = new Set<number>(), stop = new AbortController();
  const quiet = () => {};
  try {
    const { model, report } = await runSecure({
      distBackend: "tcp",
      rounds: 1,
      signal: stop.signal,
      server: {
        logger: {
          ...{ debug: quiet, info: quiet, error: quiet },
          // The server would wait for the time in which clients may join.
          warn: (text) => WAITS.test(text) && stop.abort(new Waits(text)),
        },
      },
      before: (rank, code) => {
        if (code === STAGES[stage] && lost.includes(rank)) throw new Gone("gone");
        if (code === MessageCode.UnmaskRequest) asked.add(rank);
      },
    });
    return { model, tries: report.rounds[0]?.tries, asked };
  } catch (error) {
    return { error, asked };
  }
}

/** Attempts that a round takes; 0 if it cannot be made. */
function triesOf({ length }: readonly number[], stage: StageName): 0 | 1 | 2 {
  if (length > 2 || (length === 2 && stage === "reveal")) return 0;
  // Two of five are too many for the threshold, but can be left out from the beginning.
  return length === 2 && stage !== "keys" ? 2 : 1;
}

for (const stage of ["keys", "shares", "masked", "reveal"] as const) {
  Deno.test(`any subset of five lost at ${stage} over TCP: the others' sum, or an end by name`, async () => {
    await Promise.all(SUBSETS.map(async (lost) => {
      const { model, tries, error, asked } = await roundWithout(lost, stage);
      const about = `${lost} lost at ${stage}: ${error}`, expected = triesOf(lost, stage);
      const left = ALL.filter((rank) => !lost.includes(rank));
      if (expected === 0) {
        assert(error instanceof DeadlineError || error instanceof Waits, about);
        // Nothing was revealed, unless the clients were lost then.
        assertEquals([...asked].sort(), stage === "reveal" ? left : [], about);
        return;
      }
      assertEquals(tries, expected, about);
      assertEquals(model, clearModel([stage === "reveal" ? ALL : left]), about);
    }));
  });
}
