/**
 * Banks that are one program, beside those that are pages.
 *
 *     deno task intents:bank 127.0.0.1:9000 3/3
 *
 * The arguments are the address of the server and the parts: `3/3` is the last of three banks,
 * `3-20/20` are eighteen of twenty, which share the encoder in memory. A file after them has the
 * questions of a single bank, in place of those that the server gives it: a table or JSON lines
 * with a `text` and an intent.
 */
import { errorMessage } from "@fedlab/core";
import { BankHandler, fetchQuestions, openShared, readQuestions, takePart } from "./bank.ts";

const [address, parts = "", file] = Deno.args;
const [, from = "", to = from, banks = ""] = /^(\d+)(?:-(\d+))?\/(\d+)$/.exec(parts) ?? [];
const isRange = 1 <= Number(from) && Number(from) <= Number(to) && Number(to) <= Number(banks);
if (address === undefined || !isRange || (file !== undefined && from !== to)) {
  console.error("Usage: client.ts HOST:PORT FIRST[-LAST]/BANKS, or HOST:PORT NUMBER/BANKS FILE");
  Deno.exit(2);
}
const origin = `http://${address}`;
const leaving = new AbortController();

try {
  const shared = await openShared(origin);
  using _base = shared.base;
  const count = Number(to) - Number(from) + 1;
  const ranks = Array.from({ length: count }, (_, i) => Number(from) + i);
  await Promise.all(ranks.map(async (rank) => {
    const questions = file === undefined
      ? await fetchQuestions(origin, `${rank}/${banks}`, shared)
      : readQuestions(await Deno.readFile(file), file, shared);
    const { train, notes } = questions;
    console.log([`bank ${rank}: ${train.length} questions.`, ...notes].join(" "));
    await using handler = new BankHandler(shared, questions);
    await takePart(handler, shared, {
      ...{ origin, rank, signal: leaving.signal },
      onWarning: (message) => console.error(`bank ${rank}: ${message}`),
    });
  }));
} catch (error) {
  console.error(errorMessage(error));
  leaving.abort(error);
  Deno.exit(1);
}
