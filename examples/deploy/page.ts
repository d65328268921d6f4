import type { Status } from "./federation.ts";

/** The page that shows how the run stands. */
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
<style>body { font: 1rem/1.5 system-ui; margin: 2rem } th { text-align: left; padding-right: 2rem }</style>
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
