import { ConnectionClosedError, DeadlineError } from "../../base/errors.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "../deps.ts";
import { assertSameVector, exit, LARGE, nextTick, update, vectorOf, watch } from "./pair.ts";
import type { TransportTests } from "./tests.ts";

/** Tests closing and aborting a connection. */
export function testEndings({ pair, test }: TransportTests): void {
  test("close() lets what was sent arrive, then gives the peer null", async () => {
    using ends = await pair();
    const parameters = Float32Array.from({ length: LARGE }, (_, i) => i);
    const sent = Promise.all([
      ends.near.send(exit("last words")),
      ends.near.send(update(1, parameters)),
    ]);
    const closed = ends.near.close(30);
    assertEquals((await ends.far.receive())?.message, exit("last words"));
    assertSameVector(vectorOf(await ends.far.receive()), parameters);
    assertEquals(await ends.far.receive(), null);
    await sent;
    await Promise.all([closed, ends.far.close()]);
  });

  test("close() waits for the peer to close, reads what still comes, and may be called again", async () => {
    using ends = await pair();
    const closed = watch(Promise.all([ends.near.close(30), ends.near.close(30)]));
    assertEquals(await ends.far.receive(), null);
    for (let i = 0; i < 20; i++) await ends.far.send(update(i + 1, new Float32Array(100_000)));
    assert(!closed.settled(), "the other end is still open");
    await Promise.all([ends.far.close(30), closed.promise]);
  });

  test("close() while a receive is pending takes the peer's last message to it", async () => {
    using ends = await pair();
    const received = ends.near.receive();
    const closed = watch(ends.near.close(30));
    assertEquals(await ends.far.receive(), null);
    assert(!closed.settled(), "the other end is still open");
    await ends.far.send(exit("last words"));
    assertEquals((await received)?.message, exit("last words"));
    await assertRejects(() => ends.near.receive(), ConnectionClosedError, "closed on this side");
    await Promise.all([ends.far.close(30), closed.promise]);
  });

  test("close() ends by itself when the peer stays", async () => {
    using ends = await pair();
    const received = assertRejects(() => ends.near.receive(), ConnectionClosedError);
    await ends.near.close(0.01);
    await received;
    assertEquals(await ends.far.receive(), null);
  });

  test("close() ends by itself when the peer does not read", async () => {
    using ends = await pair();
    const sent = assertRejects(
      () => ends.near.send(update(1, new Float32Array(LARGE))),
      ConnectionClosedError,
    );
    await ends.near.close(0.01);
    await sent;
  });

  test("abort() rejects what is pending with its reason; a second one changes nothing", async () => {
    using ends = await pair();
    const reason = new DeadlineError("Cannot go on: it took too long");
    const pending = [
      assertRejects(() => ends.near.receive()),
      assertRejects(() => ends.near.send(update(1, new Float32Array(LARGE)))),
      assertRejects(() => ends.near.send(exit("behind it"))),
    ];
    // The large vector is on its way: some of it has come.
    const ready = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const into = ends.far.receive({ place: () => ready.promise });
    while (ends.far.bytesReceived === 0) await nextTick();
    ends.near.abort(reason);
    ends.near.abort(new Error("Another"));
    for (const error of await Promise.all(pending)) assertStrictEquals(error, reason);
    assertStrictEquals(await assertRejects(() => ends.near.receive()), reason);
    assertStrictEquals(await assertRejects(() => ends.near.send(exit("x"))), reason);
    await ends.near.close();
    ready.resolve(new Uint8Array(4 * LARGE + FIELDS_BYTES));
    await assertRejects(() => into);
  });

  test("the peer of an aborted connection is told", async () => {
    using ends = await pair();
    const received = ends.far.receive();
    ends.near.abort(new Error("The client was killed"));
    // A closed socket says so either by its end or by a reset.
    const outcome = await received.catch((error) => error);
    if (outcome !== null) assertInstanceOf(outcome, ConnectionClosedError);
  });

  test("sending and receiving after close() rejects", async () => {
    using ends = await pair();
    await Promise.all([ends.near.close(), ends.far.close()]);
    await assertRejects(
      () => ends.near.send(exit("x")),
      ConnectionClosedError,
      "closed on this side",
    );
    await assertRejects(() => ends.near.receive(), ConnectionClosedError, "closed on this side");
  });

  test("sending to a peer that is gone rejects, and names it", async () => {
    using ends = await pair();
    ends.far.abort(new Error("The server was killed"));
    const error = await assertRejects(async () => {
      for (let i = 0; i < 1000; i++) await ends.near.send(update(1, new Float32Array(100_000)));
    }, ConnectionClosedError);
    assert(error.message.includes(ends.near.remote), error.message);
  });
}
