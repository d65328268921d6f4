/**
 * Memory and start of a page that trains adapters on all-MiniLM-L6-v2.
 *
 * @module
 */

import type { Browser, Page } from "npm:puppeteer-core@25.16.0";
import { launchChromium } from "../../tests/helpers/chromium.ts";
import { denoDir } from "../../tests/helpers/command.ts";
import {
  buildPages,
  type Folders,
  startBanks,
  startServer,
} from "../../tests/helpers/intents_pages.ts";
import { MINILM } from "../../tests/helpers/minilm.ts";
import { type BenchOptions, type BenchResult, mostResult } from "../result.ts";

/** Banks, rounds of the head and of the adapters, and questions: 500 a bank. */
const SIZES = [2, 3, 3, 1000];
const STARTS = 5, PAUSE_MILLIS = 50, MOST_MILLIS = 300_000;

/**
 * Measures a bank of `examples/intents` in Chromium, with another one in Deno: MiniLM, a head, then
 * adapters of the last two layers on kept features of 500 questions. It needs Chromium, MiniLM,
 * BANKING77 and Linux.
 *
 * Memory is that of the tab's process at its highest, of its own (as Chromium's task manager shows
 * it) and with the program code that it shares with other tabs. The start is that of a tab whose
 * origin has kept the encoder, until it waits for the other bank.
 */
export async function pageBench({ signal }: BenchOptions): Promise<BenchResult[]> {
  const folder = await Deno.makeTempDir(), dist = `${folder}/dist`;
  const env: Folders = {
    FEDLAB_MINILM: MINILM,
    FEDLAB_DATA: Deno.env.get("FEDLAB_DATA") ?? "../shared/data",
    XDG_CACHE_HOME: `${folder}/cache`,
    DENO_DIR: await denoDir(),
  };
  const places = { dist, folder, env };
  await buildPages(dist, env);
  const { server, address } = await startServer(SIZES, places);
  const browser = await launchChromium();
  try {
    const page = await browser.newPage(), url = `http://${address}/?part=1/2`;
    await page.goto(url);
    await untilStatus(page, "Waiting");
    const starts: number[] = [];
    for (let i = 0; i < STARTS; i++) {
      signal.throwIfAborted();
      const begun = performance.now();
      await page.goto(url);
      await untilStatus(page, "Waiting");
      starts.push(performance.now() - begun);
    }
    const banks = startBanks(address, "2/2", places);
    const { own, resident } = await peaks(browser, page, signal);
    await banks.outcome;
    return [
      mostResult("memory of a tab with MiniLM, head and adapters", own, { unit: "MB", most: 350 }),
      mostResult("same with shared code of Chromium", resident, { unit: "MB", most: 350 }),
      mostResult("start of a tab that kept MiniLM", starts, { unit: "ms", most: 2000 }),
    ];
  } finally {
    await browser.close();
    server.kill();
    await server.outcome;
    await Deno.remove(folder, { recursive: true });
  }
}

async function untilStatus(page: Page, start: string): Promise<void> {
  await page.waitForFunction(
    `document.getElementById("status").textContent.startsWith("${start}")`,
    { timeout: MOST_MILLIS },
  );
}

/** Watches the process of a page until its run is over; gives its highest memory in MB. */
async function peaks(browser: Browser, page: Page, signal: AbortSignal) {
  const own = [0], resident = [0];
  let isOver = false;
  const over = untilStatus(page, "The run is over").finally(() => isOver = true);
  over.catch(() => {});
  // Chromium has a process ready for the next tab: that of the page is the largest.
  const processes = await rendererProcesses(browser);
  while (!isOver) {
    signal.throwIfAborted();
    for (const id of processes) {
      const status = await Deno.readTextFile(`/proc/${id}/status`).catch(() => "");
      const megabytes = (key: string) =>
        Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024 / 1e6;
      own[0] = Math.max(own[0] ?? 0, megabytes("RssAnon") + megabytes("VmSwap"));
      resident[0] = Math.max(resident[0] ?? 0, megabytes("VmHWM"));
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
  }
  await over;
  return { own, resident };
}

async function rendererProcesses(browser: Browser): Promise<number[]> {
  const session = await browser.target().createCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}
