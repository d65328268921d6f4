/** @jsxImportSource npm:preact@10.27.2 */
import type { ClientRow, OpenRound, RunStage } from "../view.ts";

/** Words for the letters of a client's state. */
const STATES: Readonly<Record<string, string>> = {
  ".": "awaited",
  u: "its update is coming",
  i: "its update is in",
  r: "received",
  x: "refused",
  a: "connection lost",
};

/** Round under way: a dot for each client of the cohort. */
export function Dots(
  { open, stage, names }: {
    open: OpenRound | undefined;
    stage: RunStage;
    names: ReadonlyMap<number, ClientRow>;
  },
) {
  if (stage === "finished" || stage === "stopped") return null;
  return (
    <section aria-labelledby="open">
      <h2 id="open">{open === undefined ? "Round under way" : `Round ${open.round}`}</h2>
      {open === undefined ? <p class="soft">None.</p> : (
        <>
          <p>{open.received} of {open.expected} updates are in.</p>
          {open.cohort.length > 0 && (
            <ul class="dots">
              {open.cohort.map((rank, i) => {
                const state = open.states[i] ?? ".";
                const text = `${names.get(rank)?.name ?? `client ${rank}`}: ${STATES[state]}`;
                return <li key={rank} data-state={state} title={text} aria-label={text} />;
              })}
            </ul>
          )}
          <p class="legend">
            Filled: its update is in. Half: it is coming. Empty: awaited. Square: refused. Dashed:
            connection lost.
          </p>
        </>
      )}
    </section>
  );
}
