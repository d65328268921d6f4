import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import { createHash } from "node:crypto";
import { BlobWriter, Uint8ArrayReader, ZipWriter } from "npm:@zip.js/zip.js@2.24.0";
import { lockFile } from "../../src/base/files/lock.ts";
import { loadDataset } from "../../src/data/catalog/load.ts";
import type { DownloadProgress } from "../../src/data/catalog/transfer.ts";
import {
  type DatasetFile,
  NAMED_DATASETS,
  type NamedDataset,
} from "../../src/data/catalog/named.ts";
import { inFolder } from "../helpers/command.ts";
import { serveFiles } from "../helpers/file_server.ts";
import { gzip, idx } from "../helpers/idx.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Bytes = Uint8Array<ArrayBuffer>;

const DATA_DIR = Deno.env.get("FEDLAB_DATA") ?? `${import.meta.dirname}/../../../shared/data`;
const MNIST_DIR = `${DATA_DIR}/mnist`;
const MNIST_IS_HERE = await Deno.stat(MNIST_DIR).then(() => true, () => false);
const QUICK = { retrySeconds: 0.001 };

function sha256(bytes: Bytes): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function described(name: string, bytes: Bytes): DatasetFile {
  return {
    name,
    bytes: bytes.length,
    checksum: { algorithm: "sha256", hex: sha256(bytes) },
  };
}

/** Makes bytes that gzip cannot compress, always the same. */
function noise(length: number): Bytes {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = state * 48271 % 2147483647) & 255);
}

const IMAGES = await gzip(idx([100, 28, 28], noise(78_400)));
const LABELS = await gzip(idx([100], Uint8Array.from({ length: 100 }, (_, i) => i % 3)));
const TEST_IMAGES = await gzip(idx([2, 28, 28], noise(1568)));
const TEST_LABELS = await gzip(idx([2], Uint8Array.of(2, 0)));
const FILES: Record<string, Bytes> = {
  "images.gz": IMAGES,
  "labels.gz": LABELS,
  "test-images.gz": TEST_IMAGES,
  "test-labels.gz": TEST_LABELS,
};
const ALL_BYTES = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);
const SMALL: NamedDataset = {
  name: "small",
  title: "Small",
  folder: "small",
  homes: [],
  files: Object.entries(FILES).map(([name, bytes]) => described(name, bytes)),
  train: { images: "images.gz", labels: "labels.gz" },
  test: { images: "test-images.gz", labels: "test-labels.gz" },
  classes: ["a", "b", "c"],
};

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("loadDataset() fetches what is missing, tells of it, and keeps it", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: FILES });
    const seen: DownloadProgress[] = [];
    const loaded = await loadDataset(SMALL, {
      dataDir,
      mirrors: [server.url],
      onProgress: (progress) => seen.push(progress),
    });
    assertEquals([loaded.name, loaded.train.length, loaded.test?.length], ["small", 100, 2]);
    assertEquals([loaded.train.shape, loaded.classes], [[28, 28, 1], ["a", "b", "c"]]);
    assertEquals([...loaded.test?.labels ?? []], [2, 0]);
    assertEquals(loaded.train.features[3], Math.fround((noise(4)[3] ?? 0) / 255));
    assertEquals(await names(`${dataDir}/small`), [".lock", ...Object.keys(FILES)].sort());
    assertEquals(server.sent, ALL_BYTES);
    for (const [name, { length }] of Object.entries(FILES)) {
      const bytes = seen.filter(({ file }) => file === name).map(({ bytes }) => bytes);
      assertEquals([bytes[0], bytes.at(-1)], [0, length]);
      assertEquals(bytes, bytes.toSorted((a, b) => a - b));
    }
    assert(seen.every(({ file, total }) => total === FILES[file]?.length));

    const again = await loadDataset(SMALL, { dataDir, mirrors: [server.url] });
    assertEquals(again.train.features, loaded.train.features);
    assertEquals(server.requests.length, 4);
  }));

Deno.test({
  name:
    "loadDataset() uses files at hand, checked, in the folder or one of the data set's name, without network",
  permissions: { read: true, write: true, net: false },
  fn: () =>
    inFolder(async (dataDir) => {
      await Deno.mkdir(`${dataDir}/small`);
      await Deno.writeFile(`${dataDir}/images.gz`, IMAGES);
      await Deno.writeFile(`${dataDir}/labels.gz`, LABELS);
      await Deno.writeFile(`${dataDir}/small/test-images.gz`, TEST_IMAGES);
      await Deno.writeFile(`${dataDir}/small/test-labels.gz`, TEST_LABELS);
      const { train } = await loadDataset(SMALL, { dataDir: `${dataDir}/` });
      assertEquals(train.length, 100);

      // In the common folder a file of that name may be another data set's: it is skipped.
      await Deno.writeFile(`${dataDir}/labels.gz`, TEST_LABELS);
      const none = await assertRejects(() => loadDataset(SMALL, { dataDir, tries: 1 }), Error);
      assert(!none.message.includes("remove it"), none.message);
      assertEquals(await Deno.readFile(`${dataDir}/labels.gz`), TEST_LABELS);

      // A wrong file in the folder of the data set is reported, not replaced.
      await Deno.writeFile(`${dataDir}/small/labels.gz`, TEST_LABELS);
      const error = await assertRejects(() => loadDataset(SMALL, { dataDir }), SyntaxError);
      assertEquals(
        error.message,
        `Cannot use ${dataDir}/small/labels.gz: expected SHA-256 ${sha256(LABELS)}, got ${
          sha256(TEST_LABELS)
        }, remove it to have it fetched`,
      );
      assertEquals(await Deno.readFile(`${dataDir}/small/labels.gz`), TEST_LABELS);
    }),
});

Deno.test("loadDataset() knows a file packed anew or unpacked by what it holds", () =>
  inFolder(async (dataDir) => {
    const raw = idx([100], Uint8Array.from({ length: 100 }, (_, i) => i % 3));
    const source: NamedDataset = {
      ...SMALL,
      files: SMALL.files.map((file) =>
        file.name === "labels.gz"
          ? {
            ...file,
            unpacked: {
              bytes: raw.length,
              checksum: { algorithm: "sha256" as const, hex: sha256(raw) },
            },
          }
          : file
      ),
    };
    for (const [name, bytes] of Object.entries(FILES)) {
      if (name !== "labels.gz") await Deno.writeFile(`${dataDir}/${name}`, bytes);
    }
    // Another time stamp and system in the header: another file with the same content.
    const repacked = LABELS.slice();
    repacked[4] = 77;
    await Deno.writeFile(`${dataDir}/labels.gz`, repacked);
    const first = await loadDataset(source, { dataDir, mirrors: [] });
    await Deno.remove(`${dataDir}/labels.gz`);
    await Deno.writeFile(`${dataDir}/labels`, raw);
    const second = await loadDataset(source, { dataDir, mirrors: [] });
    assertEquals(first.train.labels, second.train.labels);
    assertEquals(first.train.labels[4], 1);
    raw[20] = 2;
    await Deno.mkdir(`${dataDir}/small`);
    await Deno.writeFile(`${dataDir}/small/labels`, raw);
    await assertRejects(
      () => loadDataset(source, { dataDir, mirrors: [] }),
      SyntaxError,
      `Cannot use ${dataDir}/small/labels: expected SHA-256`,
    );
  }));

Deno.test("loadDataset() goes to the next mirror after a wrong checksum, and says so when there is none", () =>
  inFolder(async (dataDir) => {
    const harmed = IMAGES.slice();
    harmed[1000] = (harmed[1000] ?? 0) ^ 1;
    await using bad = serveFiles({ files: { ...FILES, "images.gz": harmed } });
    await using good = serveFiles({ files: FILES });
    const error = await assertRejects(
      () => loadDataset(SMALL, { dataDir, mirrors: [bad.url], ...QUICK }),
      Error,
    );
    assertEquals(
      error.message,
      `Cannot get images.gz: ${bad.url}images.gz: wrong checksum, removed: expected SHA-256 ${
        sha256(IMAGES)
      }, got ${sha256(harmed)}; put it into ${dataDir}/small by hand`,
    );
    assertEquals(await names(`${dataDir}/small`), [".lock"]);
    assertEquals(bad.requests.length, 1);
    const { train } = await loadDataset(SMALL, {
      dataDir,
      mirrors: [bad.url, good.url],
      ...QUICK,
    });
    assertEquals(train.length, 100);
    assertEquals(good.requests.map(({ path }) => path), ["images.gz"]);
  }));

Deno.test("loadDataset() goes on where a connection broke", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({
      files: FILES,
      cutAfter: (count) => count === 1 ? 40_000 : undefined,
    });
    const { train } = await loadDataset(SMALL, { dataDir, mirrors: [server.url], ...QUICK });
    assertEquals(train.length, 100);
    const [first, second] = server.requests;
    assertEquals(first, { path: "images.gz", range: null, ifRange: null });
    assertEquals(second?.ifRange, '"v1"');
    const begin = Number(/^bytes=(\d+)-$/.exec(second?.range ?? "")?.[1]);
    assert(begin > 0 && begin <= 40_000, `${begin}`);
    assertEquals(server.sent, ALL_BYTES + 40_000 - begin);
    assertEquals(await Deno.readFile(`${dataDir}/small/images.gz`), IMAGES);
  }));

for (
  const [what, options] of [
    ["knows no ranges", { ranges: false }],
    ["has another version by then", { etag: (count: number) => `"v${count}"` }],
    ["has only weak versions", { etag: () => 'W/"v1"' }],
  ] as const
) {
  Deno.test(`loadDataset() begins anew where the server ${what}`, () =>
    inFolder(async (dataDir) => {
      await using server = serveFiles({
        files: FILES,
        cutAfter: (count) => count === 1 ? 40_000 : undefined,
        ...options,
      });
      const { train } = await loadDataset(SMALL, { dataDir, mirrors: [server.url], ...QUICK });
      assertEquals(train.length, 100);
      assertEquals(server.sent, ALL_BYTES + 40_000);
      assertEquals(await Deno.readFile(`${dataDir}/small/images.gz`), IMAGES);
    }));
}

Deno.test("loadDataset() does not join what a first server began to what a second has", () =>
  inFolder(async (dataDir) => {
    await using first = serveFiles({ files: FILES, cutAfter: () => 10_000 });
    await using second = serveFiles({ files: FILES });
    const mirrors = [first.url, second.url];
    await loadDataset(SMALL, { dataDir, mirrors, tries: 1, ...QUICK });
    assertEquals(second.requests[0], { path: "images.gz", range: null, ifRange: null });
  }));

Deno.test("loadDataset() makes a part with wrong bytes in it anew", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: FILES });
    const part = `${dataDir}/small/images.gz.part`;
    await Deno.mkdir(`${dataDir}/small`);
    for (const length of [500, IMAGES.length, IMAGES.length + 5]) {
      await Deno.writeFile(part, new Uint8Array(length));
      await Deno.writeTextFile(
        `${part}.json`,
        JSON.stringify({ url: `${server.url}images.gz`, version: '"v1"' }),
      );
      const { train } = await loadDataset(SMALL, { dataDir, mirrors: [server.url], ...QUICK });
      assertEquals(train.length, 100);
      assertEquals((await names(`${dataDir}/small`)).filter((name) => /part/.test(name)), []);
      await Deno.remove(`${dataDir}/small/images.gz`);
    }
  }));

Deno.test("loadDataset() leaves a part behind when aborted, and goes on with it", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: FILES });
    const stop = new AbortController();
    await assertRejects(
      () =>
        loadDataset(SMALL, {
          dataDir,
          mirrors: [server.url],
          signal: stop.signal,
          onProgress: ({ bytes }) => {
            if (bytes > 20_000) stop.abort(new DOMException("enough", "AbortError"));
          },
        }),
      DOMException,
      "enough",
    );
    const { size } = await Deno.stat(`${dataDir}/small/images.gz.part`);
    assert(size > 20_000 && size < IMAGES.length, `${size}`);
    await loadDataset(SMALL, { dataDir, mirrors: [server.url] });
    assertEquals(server.requests[1]?.range, `bytes=${size}-`);
  }));

Deno.test("loadDataset() gives up a server that falls silent, and keeps what it said", () =>
  inFolder(async (dataDir) => {
    let silent = true;
    await using server = serveFiles({
      files: FILES,
      // The rest never comes.
      intercept: () => {
        if (!silent) return;
        const body = new ReadableStream({ start: (to) => to.enqueue(IMAGES.subarray(0, 10)) });
        return new Response(body, { headers: { etag: '"v1"' } });
      },
    });
    const options = { dataDir, mirrors: [server.url], tries: 1 };
    await assertRejects(
      () => loadDataset(SMALL, { ...options, stallSeconds: 0.05 }),
      Error,
      "nothing has come for 0.05 s",
    );
    silent = false;
    const { train } = await loadDataset(SMALL, options);
    assertEquals(train.length, 100);
    assertEquals(server.requests.length, 5);
  }));

Deno.test("loadDataset() waits for ever where it is told so, and refuses options that are none", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: FILES });
    const options = { dataDir, mirrors: [server.url], ...QUICK };
    for (
      const [wrong, message] of [
        [{ tries: NaN }, "expected a whole number of tries from 1, got NaN"],
        [{ tries: 0 }, "expected a whole number of tries from 1, got 0"],
        [{ stallSeconds: NaN }, "expected stallSeconds above 0, got NaN"],
        [{ stallSeconds: 0 }, "expected stallSeconds above 0, got 0"],
        [{ retrySeconds: -1 }, "expected retrySeconds from 0, got -1"],
        [{ retrySeconds: Infinity }, "expected retrySeconds from 0, got Infinity"],
      ] as const
    ) {
      const error = await assertRejects(
        () => loadDataset(SMALL, { ...options, ...wrong }),
        RangeError,
      );
      assertEquals(error.message, `Cannot get images.gz: ${message}`);
    }
    await assertRejects(
      () => loadDataset(SMALL, { ...options, mirrors: [server.url, "not a url"] }),
      TypeError,
      'Cannot get images.gz: expected the URL of a mirror, got "not a url"',
    );
    assertEquals(server.requests.length, 0);
    await using slow = serveFiles({
      files: FILES,
      // Long after a timer that overflows to 1 ms.
      intercept: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return undefined;
      },
    });
    for (const stallSeconds of [Infinity, 1e7]) {
      const { train } = await loadDataset(SMALL, {
        dataDir,
        mirrors: [slow.url],
        tries: 1,
        stallSeconds,
      });
      assertEquals(train.length, 100);
      await Deno.remove(`${dataDir}/small`, { recursive: true });
    }
  }));

Deno.test("loadDataset() names a folder in a file's place, and a file in a folder's", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: FILES });
    const options = { dataDir, mirrors: [server.url], ...QUICK };
    await Deno.mkdir(`${dataDir}/small/images.gz`, { recursive: true });
    await assertRejects(
      () => loadDataset(SMALL, options),
      Deno.errors.IsADirectory,
      `Cannot keep ${dataDir}/small/images.gz: a folder of that name is there, move it away`,
    );
    await Deno.remove(`${dataDir}/small`, { recursive: true });
    await Deno.writeTextFile(`${dataDir}/small`, "");
    await assertRejects(
      () => loadDataset(SMALL, options),
      Deno.errors.NotADirectory,
      `Cannot keep images.gz in ${dataDir}/small: a file of that name is there, move it away`,
    );
    assertEquals(server.requests.length, 0);
  }));

Deno.test("loadDataset() waits for the folder that another has locked, until aborted", () =>
  inFolder(async (dataDir) => {
    await Deno.mkdir(`${dataDir}/small`);
    await using server = serveFiles({ files: FILES });
    const options = { dataDir, mirrors: [server.url] };
    {
      using _other = await lockFile(`${dataDir}/small/.lock`);
      await assertRejects(
        () => loadDataset(SMALL, { ...options, signal: AbortSignal.timeout(20) }),
        DOMException,
      );
      assertEquals(server.requests.length, 0);
    }
    await loadDataset(SMALL, options);
    assertEquals(server.requests.length, 4);
  }));

Deno.test("loadDataset() asks again when a server is out of order, but not for ever", () =>
  inFolder(async (dataDir) => {
    await using shaky = serveFiles({
      files: FILES,
      intercept: (_, count) => count < 3 ? new Response("later", { status: 503 }) : undefined,
    });
    await loadDataset(SMALL, { dataDir, mirrors: [shaky.url], ...QUICK });
    assertEquals(shaky.requests.length, 2 + 4);

    await Deno.remove(`${dataDir}/small`, { recursive: true });
    await using down = serveFiles({
      files: FILES,
      intercept: () => new Response("no", { status: 500 }),
    });
    await using other = serveFiles({ files: {} });
    const error = await assertRejects(() =>
      loadDataset(SMALL, { dataDir, mirrors: [down.url, other.url], tries: 3, ...QUICK })
    );
    assert(error instanceof Error);
    assertEquals(
      error.message,
      `Cannot get images.gz: ${down.url}images.gz: the server answers 500; ${other.url}images.gz: the server answers 404; put it into ${dataDir}/small by hand`,
    );
    assertEquals([down.requests.length, other.requests.length], [3, 1]);
  }));

Deno.test("loadDataset() refuses a file of another length before it has come", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: { "images.gz": noise(500_000) } });
    await assertRejects(
      () => loadDataset(SMALL, { dataDir, mirrors: [server.url], ...QUICK }),
      Error,
      `expected ${IMAGES.length} bytes, the server has 500000`,
    );
    await using endless = serveFiles({
      files: {},
      intercept: () => {
        const body = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(10_000)) });
        return new Response(body);
      },
    });
    await assertRejects(
      () => loadDataset(SMALL, { dataDir, mirrors: [endless.url], ...QUICK }),
      Error,
      `expected ${IMAGES.length} bytes, the server sends more`,
    );
  }));

Deno.test("loadDataset() says in one line where it looked when no home is reached", () =>
  inFolder(async (dataDir) => {
    const gone = serveFiles({ files: {} });
    await gone[Symbol.asyncDispose]();
    const error = await assertRejects(() =>
      loadDataset(SMALL, { dataDir, mirrors: [gone.url, gone.url], tries: 2, ...QUICK })
    );
    assert(error instanceof Error);
    assertMatch(
      error.message,
      /^Cannot get images\.gz: http:\/\/127\.0\.0\.1:\d+\/images\.gz: .*refused/,
    );
    assert(error.message.endsWith(`; put it into ${dataDir}/small by hand`), error.message);
    assert(!error.message.includes("\n"));
  }));

Deno.test({
  name: "loadDataset() names the flag for a host it may not reach",
  permissions: { read: true, write: true, net: false },
  fn: () =>
    inFolder(async (dataDir) => {
      await assertRejects(
        () => loadDataset("mnist", { dataDir }),
        Deno.errors.NotCapable,
        "permission is missing, run Deno with --allow-net=ossci-datasets.s3.amazonaws.com",
      );
    }),
});

Deno.test({
  name: "loadDataset() names the flags for a folder it may not write to",
  permissions: { read: true, net: true },
  fn: async () => {
    await assertRejects(
      () => loadDataset(SMALL, { dataDir: "nowhere", mirrors: ["http://127.0.0.1:1"] }),
      Deno.errors.NotCapable,
      "Cannot keep images.gz in nowhere/small: permission is missing, run Deno with --allow-read=nowhere/small --allow-write=nowhere/small",
    );
  },
});

Deno.test("loadDataset() fetches each file once when two want it at the same time", () =>
  inFolder(async (dataDir) => {
    await using server = serveFiles({ files: FILES });
    const options = { dataDir, mirrors: [server.url] };
    const [a, b] = await Promise.all([loadDataset(SMALL, options), loadDataset(SMALL, options)]);
    assertEquals(a.train.features, b.train.features);
    assertEquals(server.requests.length, 4);
  }));

Deno.test("loadDataset() reads a ZIP archive, puts images upright and labels from 0", () =>
  inFolder(async (dataDir) => {
    const images = idx([2, 2, 3], Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    const labels = idx([2], Uint8Array.of(1, 2));
    const writer = new ZipWriter(new BlobWriter(), { useWebWorkers: false });
    const inside = { images: "e-images.gz", labels: "e-labels.gz" };
    await writer.add("gzip/other.txt", new Uint8ArrayReader(noise(1000)));
    await writer.add("gzip/e-images.gz", new Uint8ArrayReader(await gzip(images)), { level: 0 });
    await writer.add("gzip/e-labels.gz", new Uint8ArrayReader(await gzip(labels)));
    const archive = new Uint8Array(await (await writer.close()).arrayBuffer());
    const source: NamedDataset = {
      ...SMALL,
      files: [described("all.zip", archive)],
      archive: "all.zip",
      train: inside,
      test: inside,
      classes: ["x", "y"],
      firstLabel: 1,
      transposed: true,
    };
    await using server = serveFiles({ files: { "all.zip": archive } });
    const options = { dataDir, mirrors: [server.url] };
    const { train } = await loadDataset(source, options);
    assertEquals(train.shape, [3, 2, 1]);
    assertEquals(
      [...train.features].map((value) => Math.round(value * 255)),
      [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12],
    );
    assertEquals([...train.labels], [0, 1]);
    await assertRejects(
      () => loadDataset({ ...source, test: { ...inside, labels: "none.gz" } }, options),
      SyntaxError,
      "all.zip: the archive lacks none.gz",
    );
    const torn = archive.slice(0, -10);
    await Deno.writeFile(`${dataDir}/small/all.zip`, torn);
    await assertRejects(
      () => loadDataset({ ...source, files: [described("all.zip", torn)] }, options),
      SyntaxError,
      "all.zip: the archive is damaged",
    );
  }));

Deno.test({
  name:
    `loadDataset() fetches MNIST's files from a server (needs them in ${MNIST_DIR}, see FEDLAB_DATA)`,
  ignore: !MNIST_IS_HERE,
  fn: () =>
    inFolder(async (dataDir) => {
      const mnist = NAMED_DATASETS.get("mnist");
      assert(mnist);
      const files: Record<string, Bytes> = {};
      for (const { name } of mnist.files) files[name] = await Deno.readFile(`${MNIST_DIR}/${name}`);
      await using server = serveFiles({
        files,
        cutAfter: (count) => count === 1 ? 5_000_000 : undefined,
      });
      // The local copies may be compressed differently from the published ones.
      const local: NamedDataset = {
        ...mnist,
        files: mnist.files.map((file) => ({
          ...file,
          ...described(file.name, files[file.name] ?? new Uint8Array()),
        })),
      };
      const { train, test } = await loadDataset(local, {
        dataDir,
        mirrors: [server.url],
        ...QUICK,
      });
      assertEquals([train.length, test?.length], [60_000, 10_000]);
      assertEquals([...train.labels.subarray(0, 5)], [5, 0, 4, 1, 9]);
      assertEquals(server.requests.length, 5);
    }),
});
