/// <reference lib="dom" />
/** The page: starts the worker, and shows what it tells. */
import type { Told } from "./client.ts";

const status = document.getElementById("status");
const [part, parts] = (new URLSearchParams(location.search).get("part") ?? "1/2").split("/")
  .map(Number);
const worker = new Worker(new URL("/client.js", location.href), { type: "module" });
worker.onmessage = ({ data }: MessageEvent<Told>) => {
  if (status) status.textContent = data.text;
};
const scheme = location.protocol === "https:" ? "wss" : "ws";
worker.postMessage({ server: `${scheme}://${location.host}/federation`, part, parts });
