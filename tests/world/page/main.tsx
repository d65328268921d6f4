/** @jsxImportSource npm:preact@10.27.2 */
import type { Picture, PictureRow } from "../../../src/world/watch/picture.ts";
import { Diagram } from "./diagram.tsx";
import { render, useEffect, useMemo, useState } from "./deps.ts";
import { filtered, rowAt } from "./layout.ts";

/** Numbers of rows of a page. */
const SIZES = [20, 40, 80, 160];

/** Row that the address names, by its time. */
function timeInAddress(): number {
  const time = Number(/^#t=([\d.]+)$/.exec(location.hash)?.[1]);
  return Number.isFinite(time) ? time : 0;
}

function App({ picture }: { picture: Picture }) {
  const { title, facts, violations, lanes } = picture;
  const [lane, setLane] = useState(-1);
  const [hasHeartbeats, setHeartbeats] = useState(false);
  const [hasLog, setLog] = useState(false);
  const [size, setSize] = useState(40);
  const [time, setTime] = useState(timeInAddress);
  useEffect(() => {
    const follow = () => setTime(timeInAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const rows = useMemo(
    () => filtered(picture, { lane, hasHeartbeats, hasLog }),
    [lane, hasHeartbeats, hasLog],
  );
  const last = Math.max(0, rows.length - size);
  const first = Math.min(rowAt(rows, time), last);
  const page = rows.slice(first, first + size);
  const go = (to: number) => {
    const at = rows[Math.max(0, Math.min(to, last))]?.at ?? 0;
    history.replaceState(null, "", `#t=${at}`);
    setTime(at);
  };
  return (
    <main class="page">
      <header>
        <h1>{title}</h1>
      </header>
      <p class="state" data-stage={violations.length > 0 ? "stopped" : "finished"}>
        {violations.length > 0 ? `${violations.length} rules broken` : "No rule was broken"}
      </p>
      {violations.length > 0 && (
        <ul class="violations">
          {violations.map((text) => <li key={text}>{text}</li>)}
        </ul>
      )}
      <section aria-labelledby="run">
        <h2 id="run">Run</h2>
        <dl class="facts">
          {facts.flatMap(([name, value]) => [
            <dt key={name}>{name}</dt>,
            <dd key={`${name} value`}>{value}</dd>,
          ])}
        </dl>
      </section>
      <section aria-labelledby="messages" class="apart">
        <h2 id="messages">Messages</h2>
        <div class="bar">
          <Pick
            label="Machine"
            value={lane}
            onPick={setLane}
            options={[
              [-1, "all"],
              ...lanes.slice(1).map((name, i): [number, string] => [i + 1, name]),
            ]}
          />
          <Pick
            label="Rows"
            value={size}
            onPick={setSize}
            options={SIZES.map((size) => [size, String(size)])}
          />
          <Jump label="Round" rows={rows} onPick={go} fits={(row) => beginsRound(row)} />
          <Jump label="Fault" rows={rows} onPick={go} fits={(row) => faultOf(row)} />
        </div>
        <div class="bar">
          <Check label="signs of life" isOn={hasHeartbeats} onChange={setHeartbeats} />
          <Check label="log lines" isOn={hasLog} onChange={setLog} />
        </div>
        <nav class="bar" aria-label="Pages">
          <button type="button" disabled={first === 0} onClick={() => go(0)}>First</button>
          <button type="button" disabled={first === 0} onClick={() => go(first - size)}>
            Earlier
          </button>
          <button type="button" disabled={first >= last} onClick={() => go(first + size)}>
            Later
          </button>
          <button type="button" disabled={first >= last} onClick={() => go(last)}>Last</button>
          <input
            type="range"
            aria-label="Row"
            min={0}
            max={last}
            value={first}
            onInput={(event) => go(Number(event.currentTarget.value))}
          />
          <span class="soft" aria-live="polite">
            rows {rows.length === 0 ? 0 : first + 1} to {first + page.length} of {rows.length}
          </span>
        </nav>
        <Diagram picture={picture} page={page} lane={lane} />
      </section>
    </main>
  );
}

function beginsRound(row: PictureRow): string | undefined {
  return row.type === "event" && row.begins ? `${row.round} at ${row.at.toFixed(1)} s` : undefined;
}

function faultOf(row: PictureRow): string | undefined {
  return row.type === "fault" && row.text.startsWith("begins: ")
    ? `${row.at.toFixed(1)} s: ${row.text.slice(8, 60)}`
    : undefined;
}

function Pick({ label, value, options, onPick }: {
  label: string;
  value: number;
  options: readonly (readonly [number, string])[];
  onPick: (value: number) => void;
}) {
  return (
    <label class="pick">
      {label}
      <select value={value} onChange={(event) => onPick(Number(event.currentTarget.value))}>
        {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
}

function Jump({ label, rows, fits, onPick }: {
  label: string;
  rows: readonly PictureRow[];
  fits: (row: PictureRow) => string | undefined;
  onPick: (row: number) => void;
}) {
  const options = rows.flatMap((row, i): [number, string][] => {
    const text = fits(row);
    return text === undefined ? [] : [[i, text]];
  });
  if (options.length === 0) return null;
  return <Pick label={label} value={-1} onPick={onPick} options={[[-1, "go to"], ...options]} />;
}

function Check({ label, isOn, onChange }: {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}) {
  return (
    <label class="pick">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

const app = document.getElementById("app"), data = document.getElementById("picture");
if (app !== null && data !== null) {
  render(<App picture={JSON.parse(data.textContent ?? "")} />, app);
}
