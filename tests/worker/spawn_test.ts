import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { ProtocolError } from "../../src/base/errors.ts";
import { replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { defineWorker, joinAll, spawn, type WorkerProcess } from "../../src/worker/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function fixture(name: string): URL {
  return new URL(`../fixtures/${name}.ts`, import.meta.url);
}

/** Starts a worker that fails in the given way and gives what `join()` rejects with. */
async function failureOf(way: string): Promise<unknown> {
  const worker = spawn(fixture("failing_worker"), way);
  worker.start();
  const thrown = await worker.join().then(() => "nothing", (error: unknown) => error);
  assertEquals(worker.exitCode, 1);
  return thrown;
}

/** Runs a program of the fixtures that exits with 0, and gives what it wrote to standard output. */
async function outputOf(program: string, ...permissions: string[]): Promise<string> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-prompt", "--no-check", ...permissions, fixture(program).href],
  }).output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout);
}

/** Starts a worker that waits, and resolves when its main runs. */
async function startWaiting(way: string, graceMillis?: number): Promise<WorkerProcess<string>> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const worker = spawn<string, string>(fixture("waiting_worker"), way, {
    onMessage: resolve,
    ...(graceMillis !== undefined && { graceMillis }),
  });
  worker.start();
  assertEquals(await promise, "started");
  return worker;
}

Deno.test("spawn() gives the result and the messages of the worker's main", async () => {
  const messages: unknown[] = [];
  const args = { rank: 1, weights: new Float32Array([1, NaN]), names: new Set(["a"]) };
  const worker = spawn<typeof args, typeof args>(fixture("echo_worker"), args, {
    onMessage: (message) => messages.push(message),
  });
  assertEquals(worker.exitCode, undefined);
  worker.start();
  args.rank = 2;
  assertEquals(worker.exitCode, undefined);
  assertEquals(await worker.join(), { ...args, rank: 1 });
  assertEquals(worker.exitCode, 0);
  assertEquals(messages, ["first", new Uint8Array([1, 2, 3]), 0]);
  assertEquals((await worker.join()).rank, 1);
});

Deno.test("spawn() waits for a module that calls defineWorker() late", async () => {
  await using worker = spawn(fixture("late_worker"), "but there");
  worker.start();
  assertEquals(await worker.join(), "late but there");
});

Deno.test("spawn() refuses a relative URL", () => {
  assertThrows(() => spawn("./worker.ts", 1), TypeError, "got ./worker.ts");
});

Deno.test("start() refuses a second start and arguments that cannot be cloned", async () => {
  await using worker = spawn(fixture("echo_worker"), 1);
  worker.start();
  assertThrows(() => worker.start(), Error, "it was started before");
  await worker.join();
  assertThrows(() => worker.start(), Error, "it was started before");

  const unsendable = spawn(fixture("echo_worker"), { callback: () => {} });
  assertThrows(() => unsendable.start(), TypeError, "its arguments cannot be cloned");
  await assertRejects(() => unsendable.join(), Error, "it was not started");
});

Deno.test("join() before start() rejects, and works afterwards", async () => {
  const worker = spawn(fixture("echo_worker"), 5, { name: "client-1" });
  await assertRejects(() => worker.join(), Error, "Cannot join worker client-1 (file://");
  worker.start();
  assertEquals(await worker.join(), 5);
});

Deno.test("join() rejects with the error thrown inside", async () => {
  const error = await failureOf("error");
  assertInstanceOf(error, RangeError);
  assertEquals(error.name, "OutOfStepError");
  assertEquals(error.message, "Cannot keep step");
  assertMatch(error.stack ?? "", /failInside.* \(file:.*failing_worker\.ts:\d+/);
  assertInstanceOf(error.cause, TypeError);
  assertEquals(error.cause.message, "deep down");
  assertEquals(Object.entries(error), [["step", 7]]);
});

Deno.test("join() gives back the project's own errors", async () => {
  const error = await failureOf("protocol");
  assertInstanceOf(error, ProtocolError);
  assertEquals(error.name, "ProtocolError");
  assertEquals(error.fault, "wrong-round");
});

Deno.test("join() gives back exceptions, aggregates and what is no error", async () => {
  const exception = await failureOf("dom");
  assertInstanceOf(exception, DOMException);
  assertEquals([exception.name, exception.message], ["AbortError", "stopped"]);
  const aggregate = await failureOf("aggregate");
  assertInstanceOf(aggregate, AggregateError);
  assertInstanceOf(aggregate.errors[0], SyntaxError);
  assertEquals(aggregate.errors[1], "two");
  const circular = await failureOf("circular");
  assertInstanceOf(circular, Error);
  assertEquals(circular.message, "round and round");
  assertEquals(await failureOf("text"), "just text");
});

Deno.test("join() rejects with what nothing in the worker caught", async () => {
  for (const way of ["timer", "rejection"]) {
    const error = await failureOf(way);
    assertInstanceOf(error, RangeError, way);
    assertEquals(error.name, "OutOfStepError");
    assertStringIncludes(error.stack ?? "", "failInside");
  }
});

Deno.test("join() says that a result cannot be cloned", async () => {
  const error = await failureOf("result");
  assertInstanceOf(error, TypeError);
  assertStringIncludes(error.message, "Cannot return the worker's result: it cannot be cloned");
});

Deno.test("join() notices a worker that ends early", async () => {
  for (const way of ["exit", "close"]) {
    const error = await failureOf(way);
    assertInstanceOf(error, Error);
    assertMatch(error.message, /failing_worker\.ts\): it ended before its main returned$/);
  }
});

Deno.test("join() names a module that does not load", async () => {
  const modules = {
    [fixture("absent_worker").href]: /Module not found|Type checking failed/,
    "data:text/javascript,const broken = ;": /SyntaxError|Unexpected|expected/i,
    [fixture("throwing_module").href]: /this module throws/,
  };
  for (const [url, cause] of Object.entries(modules)) {
    const worker = spawn(url, 1);
    worker.start();
    const error = await assertRejects(() => worker.join(), Error, "Cannot run worker ");
    assertStringIncludes(error.message, url.slice(0, 40));
    assertMatch(error.message, cause);
    assert(!error.message.includes("\n"));
    assertEquals(worker.exitCode, 1);
  }
});

Deno.test("join() rejects when the loaded module has not called defineWorker()", async () => {
  const nothing = "it called neither defineWorker() nor defineClient()";
  const modules = {
    [fixture("undefined_worker").href]: nothing,
    "data:text/javascript,": nothing,
    "data:text/javascript,self.close();await new Promise(()=>{})": "it ended before it was loaded",
    "data:text/javascript,throw null": "null",
  };
  for (const [url, why] of Object.entries(modules)) {
    const worker = spawn(url, 1);
    worker.start();
    const error = await assertRejects(() => worker.join(), Error);
    assertMatch(error.message, /^Cannot run worker .+ \((file|data):.*\): .*$/);
    assert(error.message.endsWith(`): ${why}`), error.message);
    assertEquals(worker.exitCode, 1);
  }
});

Deno.test("join() rejects when the module is not loaded in time", async () => {
  const worker = spawn("data:text/javascript,await new Promise(() => {})", 1, { startMillis: 50 });
  worker.start();
  await assertRejects(() => worker.join(), Error, "nor defineClient() within 50 ms");
  assertEquals(worker.exitCode, 1);
});

Deno.test("a worker starts where modules that are text are not allowed", async () => {
  const { workers } = runtime;
  const started: string[] = [];
  using _ = replaceRuntime({
    workers: {
      ...workers,
      start: (url, options) => {
        started.push(String(url).slice(0, 5));
        if (started.length === 2) return workers.start(url, options);
        const refused = new EventTarget() as Worker;
        queueMicrotask(() => refused.dispatchEvent(new Event("error", { cancelable: true })));
        return refused;
      },
    },
  });
  const worker = spawn(fixture("echo_worker"), 5);
  worker.start();
  assertEquals(await worker.join(), 5);
  assertEquals(started, ["blob:", "file:"]);
});

Deno.test("defineWorker() refuses a second call, and does nothing outside of spawn()", async () => {
  const worker = spawn(fixture("twice_worker"), 1);
  worker.start();
  await assertRejects(() => worker.join(), Error, "expected one call of defineWorker(), got two");
  let calls = 0;
  defineWorker(() => calls++);
  assertEquals(calls, 0);
});

Deno.test("a worker from a file without --allow-read fails with the flag's name", async () => {
  const text = await outputOf("spawn_program");
  assertMatch(text, /^Cannot run worker echo_worker\.ts \(file:.*--allow-read/);
});

Deno.test("abort() aborts the signal of the worker's main", async () => {
  const worker = await startWaiting("return");
  worker.abort(new RangeError("enough"));
  assertEquals(await worker.join(), "RangeError: enough");
  assertEquals(worker.exitCode, 0);

  const thrower = await startWaiting("throw");
  thrower.abort();
  const error = await assertRejects(() => thrower.join(), DOMException, "asked to end");
  assertEquals(error.name, "AbortError");
  assertEquals(thrower.exitCode, 1);
});

Deno.test("abort() reaches a worker that is still loading", async () => {
  const worker = spawn<string, string>(fixture("waiting_worker"), "return");
  worker.abort("not started yet");
  worker.start();
  worker.abort("early");
  assertEquals(await worker.join(), "early");
});

Deno.test("abort() terminates a worker that does not listen", async () => {
  const worker = await startWaiting("deaf", 10);
  worker.abort();
  await assertRejects(() => worker.join(), Error, "it did not end within 10 ms of abort()");
  assertEquals(worker.exitCode, 143);
});

Deno.test("abort() makes join() reject even when the worker's code never rests", async () => {
  const text = await outputOf("busy_program", "--allow-read");
  assertMatch(text, /^143 Cannot join worker waiting_worker\.ts .*did not end within 10 ms/);
});

Deno.test("terminate() ends a worker, once", async () => {
  const worker = await startWaiting("deaf");
  worker.terminate();
  worker.terminate();
  await assertRejects(() => worker.join(), Error, "it was terminated");
  worker.terminate();
  worker.abort();
  assertEquals(worker.exitCode, 143);

  const done = spawn(fixture("echo_worker"), 1);
  done.terminate();
  done.start();
  await done.join();
  done.terminate();
  assertEquals(done.exitCode, 0);
});

Deno.test("a worker is asked to end when it is disposed of", async () => {
  let kept: WorkerProcess<string>;
  {
    await using worker = await startWaiting("return");
    kept = worker;
  }
  assertEquals(kept.exitCode, 0);
  assertStringIncludes(await kept.join(), "AbortError");
  await using _neverStarted = spawn(fixture("echo_worker"), 1);
});

Deno.test("joinAll() gives the results in order", async () => {
  const workers = [3, 1, 2].map((n) => spawn<number, number>(fixture("echo_worker"), n));
  workers.forEach((worker) => worker.start());
  assertEquals(await joinAll(workers), [3, 1, 2]);
});

Deno.test("joinAll() asks the others to end at the first failure", async () => {
  const waiting = await startWaiting("throw");
  const failing = spawn<string, string>(fixture("failing_worker"), "error");
  failing.start();
  await assertRejects(() => joinAll([waiting, failing]), RangeError, "Cannot keep step");
  assertEquals([waiting.exitCode, failing.exitCode], [1, 1]);
});

Deno.test("joinAll() asks all to end when the signal is aborted", async () => {
  const controller = new AbortController();
  const workers = [await startWaiting("return"), await startWaiting("return")];
  const joined = joinAll(workers, { signal: controller.signal });
  controller.abort("Ctrl-C");
  assertEquals(await joined, ["Ctrl-C", "Ctrl-C"]);

  const late = await startWaiting("return");
  assertEquals(await joinAll([late], { signal: AbortSignal.abort("before") }), ["before"]);
});
