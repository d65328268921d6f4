/** The example of a federation in web pages: its server, its page, and clients beside them. */
import { assert } from "jsr:@std/assert@1.0.19";
import type { Browser, Page } from "npm:puppeteer-core@25.16.0";
import { partOf } from "../../examples/browser/part.ts";
import * as fedlab from "../../mod.ts";
import { taskArguments } from "./command.ts";

const ROOT = `${import.meta.dirname}/../..`;
/** Clients of the example's server. */
export const CLIENTS = 3;
/** Rounds of its runs. */
export const ROUNDS = 8;

/** The example's server, by the command at its top. */
export class ExampleServer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #output = "";
  #read = 0;
  #wake = Promise.withResolvers<void>();

  private constructor(command: string, more: readonly string[]) {
    const args = command.replace("127.0.0.1:9000", "127.0.0.1:0").split(" ").slice(1);
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [...args, String(CLIENTS), ...more],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#follow();
  }

  /** Starts it for so many rounds, with codecs of updates and parameters. */
  static async start(rounds = ROUNDS, ...codecs: readonly string[]): Promise<ExampleServer> {
    const text = await Deno.readTextFile(`${ROOT}/examples/browser/serve.ts`);
    const [, command = ""] = /^ \* {5}(deno run .+)$/m.exec(text) ?? [];
    return new ExampleServer(command, [String(rounds), ...codecs]);
  }

  /** Waits for what the pattern matches in the output after the last match, and gives all up to its end. */
  async said(pattern: RegExp): Promise<string> {
    for (;;) {
      const rest = this.#output.slice(this.#read);
      const match = pattern.exec(rest);
      if (match !== null) {
        const end = match.index + match[0].length;
        this.#read += end;
        return rest.slice(0, end);
      }
      await this.#wake.promise;
    }
  }

  async #follow(): Promise<void> {
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
    this.#wake.reject(new Error(`The server ended, after:\n${this.#output}`));
    this.#wake.promise.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await this.#process.status;
    await this.#reading;
  }
}

/** A client in this process with a part of the digits. */
export async function runDenoClient(
  serverAddr: string,
  part: number,
  parts = CLIENTS,
): Promise<void> {
  const { train, test } = await partOf(part, parts);
  await using handler = new fedlab.NativeSGDHandler({ data: train, testData: test });
  const { silentLogger: logger } = fedlab;
  const options = {
    distBackend: "websocket",
    loggerFile: "",
    logger,
    secureMinMembers: 3,
  } as const;
  await new fedlab.ClientSyncTop(handler, { ...options, serverAddr, rank: part }).run();
}

/** Keeps what the page's status line says, from before the page's script runs. */
const RECORD_STATUS = `
document.addEventListener("readystatechange", () => {
  const status = document.getElementById("status");
  if (status === null) return; // the blank page before
  globalThis.said = [];
  new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });
}, { once: true });
`;

/** Opens the page; what goes wrong in it is added to the faults. */
export async function open(
  browser: Browser,
  url: string,
  { faults, width, hasTouch }: { faults: string[]; width: number; hasTouch: boolean },
): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => {
    if (["error", "warn", "assert"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
  await page.evaluateOnNewDocument(RECORD_STATUS);
  await page.setViewport({ width, height: 844, hasTouch });
  await page.goto(url);
  return page;
}

/** Text of an element. */
export function textOf(page: Page, selector: string): Promise<string> {
  return page.evaluate(`document.querySelector("${selector}").textContent`) as Promise<string>;
}

/** Waits for a text of an element. */
export async function untilText(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.bringToFront();
  await page.waitForFunction(`${pattern}.test(document.querySelector("${selector}").textContent)`);
}

/** Runs Deno with the arguments and gives its standard output. */
export async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT })
    .output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

let built: Promise<string> | undefined;

/** Builds the example's page, once for all tests. */
export async function buildPage(): Promise<void> {
  await (built ??= deno(...taskArguments("build:browser")));
}
