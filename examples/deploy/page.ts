import type { Status } from "./federation.ts";
import { READ_PREFIX } from "./readers.ts";

/** Headers of the pages: they load no other resources and send requests only to this server. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

const STYLE =
  "body { font: 1rem/1.5 system-ui; margin: 2rem } th { text-align: left; padding-right: 2rem }";

/** Returns the page that shows the state of the run. */
export function page({ state, round, rounds, joined, clients, accuracy, ...more }: Status): string {
  const rows: [string, string][] = [
    ["state", state],
    ["round", `${round} of ${rounds}`],
    ["clients", `${joined.length} of ${clients} connected`],
    ["accuracy", accuracy === undefined ? "none yet" : `${(accuracy * 100).toFixed(1)}%`],
    ...Object.entries(more),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>FedLab: ${state}, round ${round} of ${rounds}</title>
<style>${STYLE}</style>
<h1>A federation that learns digits</h1>
<table>
${rows.map(([name, text]) => `<tr><th>${name}<td>${escaped(text)}`).join("\n")}
</table>
${state === "finished" ? `<p><a href="/model.safetensors">The model</a>` : ""}
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/**
 * Returns the page of a run with a token. It asks for the token, does not send it, and reads the
 * state of the run with the token's read key.
 */
export function lockedPage(): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>FedLab</title>
<style>${STYLE}</style>
<h1>A federation that learns digits</h1>
<form><label>Token <input type="password" autocomplete="off" required></label> <button>Show</button></form>
<p id="said" role="status"></p>
<table></table>
<p id="file"></p>
<script type="module">
const find = (name) => document.querySelector(name);
const say = (text) => find("#said").textContent = text;
let headers;

async function keyOf(token) {
  const bytes = new TextEncoder().encode(${JSON.stringify(READ_PREFIX)} + token);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function show() {
  const response = await fetch("/status", { headers });
  if (response.status === 401) throw new Error("That is not the token");
  if (!response.ok) throw new Error("The run cannot be read now");
  const status = await response.json();
  find("form").hidden = true;
  say("");
  find("table").replaceChildren(...Object.entries(status).map(([name, value]) => {
    const row = document.createElement("tr");
    for (const [kind, text] of [["th", name], ["td", value]]) {
      row.append(Object.assign(document.createElement(kind), { textContent: text }));
    }
    return row;
  }));
  if (status.state === "finished" && find("#file").childElementCount === 0) {
    const link = Object.assign(document.createElement("button"), { textContent: "The model" });
    link.onclick = save;
    find("#file").append(link);
  }
}

async function save() {
  const blob = await (await fetch("/model.safetensors", { headers })).blob();
  const link = Object.assign(document.createElement("a"), { download: "model.safetensors" });
  link.href = URL.createObjectURL(blob);
  link.click();
  URL.revokeObjectURL(link.href);
}

find("form").onsubmit = async (event) => {
  event.preventDefault();
  try {
    headers = { authorization: "Bearer " + await keyOf(find("input").value) };
    await show();
    setInterval(() => show().catch((error) => say(error.message)), 3000);
  } catch (error) {
    say(error.message);
  }
};
</script>
`;
}
