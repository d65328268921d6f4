/** Programs of the example of banks in pages. */
import { assertEquals } from "jsr:@std/assert@1.0.19";
import { encoderShapeOf } from "../../src/train/models/encoder/text_encoder.ts";
import { denoDir, type RunningCommand, startExample } from "./command.ts";
import { smallFile } from "./encoder/small_encoder.ts";
import { smallTokenizer } from "./encoder/small_tokenizer.ts";

/** Folders of the encoder and the data, and that of the cache. */
export interface Folders {
  readonly FEDLAB_MINILM: string;
  readonly FEDLAB_DATA: string;
  readonly XDG_CACHE_HOME: string;
  readonly DENO_DIR: string;
}

/** Builds the pages into a folder. */
export async function buildPages(dist: string, env: Folders): Promise<void> {
  await Deno.mkdir(dist);
  const { code, stderr } = await startExample("build:intents", [dist], {
    ...{ cwd: dist, writes: dist, env: { ...env } },
  }).outcome;
  assertEquals(code, 0, stderr);
}

/** Starts the server of pages in a folder, and gives it with its address, `HOST:PORT`. */
export async function startServer(
  sizes: readonly number[],
  { dist, folder, env }: { readonly dist: string; readonly folder: string; readonly env: Folders },
): Promise<{ readonly server: RunningCommand; readonly address: string }> {
  const args = ["127.0.0.1:0", ...sizes.map(String), dist];
  const server = startExample("intents:serve", args, { env: { ...env }, cwd: folder });
  const [, address = ""] = await server.said(/http:\/\/(\S+)\/\?part=1\//);
  return { server, address };
}

/** Starts banks that are one program, such as `2-3/3`. */
export function startBanks(
  address: string,
  parts: string,
  { folder, env }: { readonly folder: string; readonly env: Folders },
): RunningCommand {
  return startExample("intents:bank", [address, parts], { env: { ...env }, cwd: folder });
}

/** Takes a folder for all but the cache of Deno. */
export async function foldersIn(folder: string): Promise<Folders> {
  const XDG_CACHE_HOME = `${folder}/cache`;
  return { FEDLAB_MINILM: folder, FEDLAB_DATA: folder, XDG_CACHE_HOME, DENO_DIR: await denoDir() };
}

/** Intents of the small data set, each with a word that tells it. */
export const INTENTS = { card_arrival: "card", exchange_rate: "rate", top_up: "money" } as const;
const WORDS = ["where", "is", "my", "the", "please", "wrong", "late", "new", "gone", "help"];

/** Writes a small encoder and questions in the form of the real ones, into a folder. */
export async function writeSmallData(folder: string): Promise<Folders> {
  const base = `${folder}/base`, questions = `${folder}/banking77`;
  await Deno.mkdir(base);
  await Deno.mkdir(questions);
  const words = [...WORDS, ...Object.values(INTENTS)];
  const config = {
    model_type: "bert",
    hidden_act: "gelu",
    vocab_size: 4 + words.length,
    max_position_embeddings: 16,
    hidden_size: 16,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    intermediate_size: 24,
    layer_norm_eps: 1e-12,
  };
  await Deno.writeTextFile(`${base}/config.json`, JSON.stringify(config));
  await Deno.writeFile(`${base}/model.safetensors`, smallFile(1, encoderShapeOf(config)));
  await Deno.writeFile(`${base}/tokenizer.json`, smallTokenizer({}, words));
  for (const [name, count] of [["train.csv", 90], ["test.csv", 30]] as const) {
    const rows = Array.from({ length: count }, (_, i) => {
      const [intent, word] = Object.entries(INTENTS)[i % 3] ?? [];
      const others = [i, i * 3 + 1, i * 7 + 2].map((k) => WORDS[k % WORDS.length]);
      others.splice(i % 4, 0, word);
      return `"${others.join(" ")}",${intent}\n`;
    });
    await Deno.writeTextFile(`${questions}/${name}`, `text,category\n${rows.join("")}`);
  }
  return { ...await foldersIn(folder), FEDLAB_MINILM: base };
}
