/** @jsxImportSource npm:preact@10.27.2 */
import type { RunEntry } from "../run_source.ts";
import type { EventLine, RunView } from "../view.ts";
import { useEffect, useState } from "./deps.ts";
import { ask, pathOf } from "./feed.ts";
import { bytes, clock, number, percent } from "./format.ts";

/** Largest confusion matrix that is drawn as a table. */
const MAX_CLASSES = 30;

/** Facts about the run: bytes, privacy, schema, settings. */
export function Facts({ view }: { view: RunView }) {
  const { head, run } = view;
  const { privacy, best } = head;
  const refusals = Object.entries(head.refusals);
  const saved = (sent: number, whole: number) => {
    // They would follow from cohorts that are secret.
    if (privacy?.mechanism === "fedavg") return "not told";
    return whole > sent ? `${bytes(sent)} (${bytes(whole)} without the codec)` : bytes(sent);
  };
  const facts: [string, string][] = [
    ["strategy", run.strategy],
    [
      "clients",
      Object.entries(head.clients).filter(([, count]) => count > 0)
        .map(([state, count]) => `${count} ${state}`).join(", "),
    ],
    ["from clients", saved(head.bytesUp, head.bytesUpWhole)],
    ["to clients", saved(head.bytesDown, head.bytesDownWhole)],
    ["best round", best ? `${best.round} (${best.metric} ${number(best.value)})` : ""],
    ["refused", refusals.map(([fault, count]) => `${count} × ${fault}`).join(", ")],
    [
      "privacy",
      privacy
        ? privacy.guarantee ??
          `ε ${number(privacy.epsilon)} at δ ${privacy.delta}, ${privacy.releases} releases`
        : "",
    ],
    ["schema", run.schema?.digest?.slice(0, 16) ?? ""],
    ["classes", run.schema?.classes?.join(", ") ?? ""],
    ["model digest", head.modelDigest ?? ""],
  ];
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        {facts.filter(([, text]) => text !== "").map(([name, text]) => (
          <>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </>
        ))}
      </dl>
      <details class="apart">
        <summary>Options</summary>
        <dl class="facts">
          {Object.entries(run.settings).map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
            </>
          ))}
        </dl>
      </details>
      <Downloads id={run.id} stage={head.stage} />
    </section>
  );
}

function Downloads({ id, stage }: { id: string; stage: string }) {
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => {
    ask<string[]>(pathOf(id, "/files")).then(setNames, () => setNames([]));
  }, [id, stage]);
  if (names.length === 0) return null;
  return (
    <p class="bar">
      {names.map((name) => (
        <a key={name} href={pathOf(id, `/files/${encodeURIComponent(name)}`)} download={name}>
          {name}
        </a>
      ))}
    </p>
  );
}

/** Confusion matrix of the final model. */
export function Confusion({ view }: { view: RunView }) {
  const final = view.head.final;
  const matrix = final?.confusion;
  if (matrix === undefined || matrix.length > MAX_CLASSES) return null;
  const names = final?.classes ?? matrix.map((_, i) => `${i}`);
  const sums = matrix.map((row) => row.reduce((sum, count) => sum + count, 0));
  return (
    <section aria-labelledby="confusion">
      <h2 id="confusion">Final model on {final?.samples.toLocaleString("en")} samples</h2>
      <div class="table" tabIndex={0}>
        <table class="confusion">
          <thead>
            <tr>
              <th scope="col">true, predicted</th>
              {names.map((name) => <th key={name} scope="col">{name}</th>)}
              <th scope="col">right</th>
            </tr>
          </thead>
          <tbody>
            {matrix.map((row, i) => (
              <tr key={i}>
                <th scope="row">{names[i]}</th>
                {row.map((count, j) => (
                  <td
                    key={j}
                    class={count === 0 ? "soft" : ""}
                    style={shade(count / Math.max(1, sums[i] ?? 1), i === j)}
                  >
                    {count}
                  </td>
                ))}
                <td>{percent(final?.perClass?.[i])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function shade(share: number, isRight: boolean): Record<string, string> {
  if (share === 0) return {};
  const colour = isRight ? "var(--good)" : "var(--bad)";
  const strength = Math.round(8 + 42 * Math.sqrt(share));
  return { backgroundColor: `color-mix(in srgb, ${colour} ${strength}%, var(--panel))` };
}

/** Events of the run, the newest first. */
export function Events({ events }: { events: readonly EventLine[] }) {
  if (events.length === 0) return null;
  return (
    <section class="wide" aria-labelledby="events">
      <h2 id="events">Events</h2>
      {events.length === 0 ? <p class="soft">None yet.</p> : (
        <ol class="events" tabIndex={0}>
          {events.toReversed().map(({ at, text, isTrouble }, i) => (
            <li key={`${at}-${events.length - i}`} class={isTrouble ? "trouble" : ""}>
              <time class="soft" dateTime={new Date(at).toISOString()}>{clock(at)}</time> {text}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** List of runs: one is shown, others are compared with it. */
export function Runs(
  { runs, shown, compared, compare }: {
    runs: readonly RunEntry[];
    shown: string;
    compared: ReadonlySet<string>;
    compare?: (id: string, isOn: boolean) => void;
  },
) {
  if (runs.length < 2) return null;
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">Runs</h2>
      <ul class="runs">
        {runs.map(({ id, name, strategy, accuracy, fault }) => (
          <li key={id}>
            {compare && (
              <input
                type="checkbox"
                aria-label={`Compare ${name}`}
                disabled={id === shown || fault !== undefined}
                checked={id === shown || compared.has(id)}
                onChange={(event) => compare(id, event.currentTarget.checked)}
              />
            )}
            {fault === undefined
              ? <a href={`#${encodeURIComponent(id)}`} aria-current={id === shown}>{name}</a>
              : <span title={fault}>{name}: {fault}</span>}
            <span class="soft">{strategy} {accuracy === undefined ? "" : percent(accuracy)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
