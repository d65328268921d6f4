/** @jsxImportSource npm:preact@10.27.2 */
import type { RunView } from "../view.ts";
import { Clients } from "./clients.tsx";
import { Curves } from "./curves.tsx";
import { render, useEffect, useMemo, useState } from "./deps.ts";
import { Dots } from "./dots.tsx";
import { ask, follow, pathOf, type RunList, send, TokenWantedError } from "./feed.ts";
import { sentence } from "./format.ts";
import { Confusion, Events, Facts, Runs } from "./parts.tsx";

/** Time in milliseconds between two looks for new runs. */
const RUNS_MILLIS = 5000;

function App() {
  const [list, setList] = useState<RunList>();
  const [fault, setFault] = useState("");
  const [wantsToken, setWantsToken] = useState(false);
  const load = () =>
    ask<RunList>("/api/runs").then((found) => {
      setList(found);
      setWantsToken(false);
      setFault("");
    }, (error) => {
      if (error instanceof TokenWantedError) setWantsToken(true);
      else setFault(error.message);
    });
  useEffect(() => {
    load();
    const timer = setInterval(() => document.hidden || load(), RUNS_MILLIS);
    return () => clearInterval(timer);
  }, []);
  if (wantsToken) return <Login onDone={load} />;
  if (list === undefined) {
    return (
      <main class="page">
        <p class="soft">{fault || "Loading…"}</p>
      </main>
    );
  }
  return <Shown list={list} />;
}

function Login({ onDone }: { onDone: () => void }) {
  const [token, setToken] = useState("");
  const [fault, setFault] = useState("");
  const enter = (event: Event) => {
    event.preventDefault();
    send("/api/login", { token }).then(onDone, (error) => setFault(error.message));
  };
  return (
    <main class="login">
      <h1>FedLab</h1>
      <p>The server asks for its token (FEDLAB_TOKEN).</p>
      <form onSubmit={enter}>
        <label>
          <span class="hidden">Token</span>
          <input
            type="password"
            autocomplete="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Enter</button>
      </form>
      <p role="alert">{fault}</p>
    </main>
  );
}

function Shown({ list }: { list: RunList }) {
  const [hash, setHash] = useState(location.hash);
  const [view, setView] = useState<RunView>();
  const [isConnected, setConnected] = useState(true);
  const [fault, setFault] = useState("");
  const [others, setOthers] = useState<readonly RunView[]>([]);
  const wanted = decodeURIComponent(hash.slice(1));
  const id = list.runs.some((run) => run.id === wanted)
    ? wanted
    : list.live ?? list.runs.find(({ fault }) => fault === undefined)?.id;
  useEffect(() => {
    const change = () => setHash(location.hash);
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  useEffect(() => {
    setView(undefined);
    setFault("");
    return id === undefined ? undefined : follow(id, setView, setConnected, setFault);
  }, [id]);
  const names = useMemo(() => new Map(view?.clients.map((row) => [row.rank, row])), [
    view?.clients,
  ]);
  if (view === undefined) {
    return (
      <main class="page">
        <h1>{fault === "" ? "FedLab" : id}</h1>
        <p class={fault === "" ? "soft" : "state"} role="status">
          {fault || (id === undefined ? "There are no runs yet." : "Loading…")}
        </p>
        {fault !== "" && <Runs runs={list.runs} shown={id ?? ""} compared={new Set()} />}
      </main>
    );
  }
  const compare = async (id: string, isOn: boolean) => {
    const rest = others.filter(({ run }) => run.id !== id);
    setOthers(isOn ? [...rest, await ask<RunView>(pathOf(id))] : rest);
  };
  const isLive = view.run.id === list.live && view.head.stage !== "finished";
  document.title = `${view.run.name} – FedLab`;
  return (
    <main class="page">
      <header>
        <h1>{view.run.name}</h1>
        {isLive && isConnected && view.head.stage !== "stopped" &&
          <Controls actions={list.actions} isPaused={view.head.isPaused ?? false} />}
      </header>
      <p class="state" data-stage={view.head.stage} role="status">{sentence(view)}</p>
      {!isConnected && <p class="gone">The server does not answer. This is what it told last.</p>}
      <div class="grid">
        <div class="stack">
          <Curves view={view} others={others.filter(({ run }) => run.id !== view.run.id)} />
          <Dots open={view.open} stage={view.head.stage} names={names} />
          <Confusion view={view} />
        </div>
        <div class="stack">
          <Facts view={view} />
          <Runs
            runs={list.runs}
            shown={view.run.id}
            compared={new Set(others.map(({ run }) => run.id))}
            compare={compare}
          />
        </div>
        <Clients
          rows={view.clients}
          omitted={view.head.clientsOmitted}
          open={view.open}
          isOver={view.head.stage === "finished" || view.head.stage === "stopped"}
          {...(isLive && list.actions.includes("drop") &&
            { drop: (rank: number) => act({ action: "drop", rank }) })}
        />
        <Events events={view.events} />
      </div>
    </main>
  );
}

function act(action: Record<string, unknown>): void {
  send("/api/control", action).catch((error) => alert(error.message));
}

function Controls({ actions, isPaused }: { actions: readonly string[]; isPaused: boolean }) {
  return (
    <div class="bar">
      {actions.includes("pause") && (
        <button
          type="button"
          onClick={() => act({ action: isPaused ? "resume" : "pause" })}
        >
          {isPaused ? "Go on" : "Pause after this round"}
        </button>
      )}
      {actions.includes("stop") && (
        <button
          type="button"
          class="danger"
          onClick={() => confirm("Stop the run?") && act({ action: "stop" })}
        >
          Stop
        </button>
      )}
    </div>
  );
}

const place = document.getElementById("app");
if (place) render(<App />, place);
