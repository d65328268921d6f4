import { ProtocolError } from "../../base/errors.ts";
import type { BodyKeeper } from "../../net/connection_options.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import { MessageCode } from "../../wire/message_code.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "../deps.ts";
import { assertSameVector, exit, LARGE, update, vectorOf, watch } from "./pair.ts";
import type { TransportTests } from "./tests.ts";

/** Tests the memory that `place()` gives for a message with a vector. */
export function testPlacement({ pair, test }: TransportTests): void {
  test("place() is told of the frame and gives the memory in which the tensor then lies", async () => {
    using ends = await pair();
    const parameters = Float32Array.from({ length: 50_000 }, (_, i) => i);
    const arena = new ArrayBuffer(parameters.byteLength + FIELDS_BYTES + 64);
    const sent = ends.near.send(update(1, parameters));
    const headers: unknown[] = [];
    const received = await ends.far.receive({
      place: (header) => {
        headers.push(header);
        return new Uint8Array(arena, 64);
      },
    });
    await sent;
    assertEquals(headers, [received?.header]);
    assertEquals(received?.header.code, MessageCode.ParameterUpdate);
    const vector = vectorOf(received);
    assertStrictEquals(vector.buffer, arena);
    assertSameVector(vector, parameters);
  });

  test("place() is not asked about a message that carries no vector", async () => {
    using ends = await pair();
    await ends.near.send(exit("over"));
    const place = () => {
      throw new Error("place() was asked");
    };
    assertEquals((await ends.far.receive({ place }))?.message, exit("over"));
  });

  test("place() that gives undefined skips the body, and the next message arrives", async () => {
    using ends = await pair();
    const sent = Promise.all([
      ends.near.send(update(1, new Float32Array(LARGE))),
      ends.near.send(update(2, new Float32Array(3))),
      ends.near.send(exit("over")),
    ]);
    for (const length of [LARGE, 3]) {
      const received = await ends.far.receive({ place: () => undefined });
      assertEquals(received?.message, undefined);
      assertEquals(received?.header.code, MessageCode.ParameterUpdate);
      assert((received?.header.bodyLength ?? 0) > 4 * length);
    }
    assertEquals((await ends.far.receive())?.message, exit("over"));
    await sent;
  });

  test("place() that throws rejects receive() with its error", async () => {
    using ends = await pair();
    await ends.near.send(update(1, new Float32Array(3)));
    const error = new ProtocolError("unexpected-code", "Cannot take it: not now");
    const place = () => Promise.reject(error);
    assertStrictEquals(await assertRejects(() => ends.far.receive({ place })), error);
  });

  test("place() that gives too short a buffer is told so", async () => {
    using ends = await pair();
    await ends.near.send(update(1, new Float32Array(3)));
    await assertRejects(
      () => ends.far.receive({ place: () => new Uint8Array(8) }),
      RangeError,
      "got 8",
    );
  });

  for (const most of [0, 1000, Infinity]) {
    test(`a keeper with room for ${most} bytes gets the beginning of the body, and its buffer the rest`, async () => {
      using ends = await pair();
      const parameters = Float32Array.from({ length: 50_000 }, (_, i) => i);
      const sent = Promise.all([ends.near.send(update(1, parameters)), ends.near.send(exit("x"))]);
      const received = await ends.far.receive({ place: ({ bodyLength }) => keeper(bodyLength) });
      assertSameVector(vectorOf(received), parameters);
      assertEquals((await ends.far.receive())?.message, exit("x"));
      await sent;

      function keeper(size: number): BodyKeeper {
        const body = new Uint8Array(size);
        let at = 0;
        return {
          room: () =>
            Promise.resolve(at < most ? body.subarray(at, Math.min(at + 999, most)) : undefined),
          filled: (count) => void (at += count),
          claim: () => {
            assertEquals(at, Math.min(most, size));
            return Promise.resolve(body);
          },
        };
      }
    });
  }

  test("a keeper that claims no buffer refuses the rest of the body", async () => {
    using ends = await pair();
    const sent = Promise.all([
      ends.near.send(update(1, new Float32Array(LARGE))),
      ends.near.send(exit("over")),
    ]);
    const room = new Uint8Array(5000);
    let isFull = false;
    const received = await ends.far.receive({
      place: () => ({
        room: () => Promise.resolve(isFull ? undefined : room),
        filled: () => isFull = true,
        claim: () => Promise.resolve(undefined),
      }),
    });
    assertEquals(received?.message, undefined);
    assertEquals((await ends.far.receive())?.message, exit("over"));
    await sent;
  });

  test("while place() has not resolved, the sender of a large vector has to wait", async () => {
    using ends = await pair();
    const asked = Promise.withResolvers<void>();
    const buffer = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const sent = watch(ends.near.send(update(1, new Float32Array(LARGE))));
    const received = ends.far.receive({
      place: () => {
        asked.resolve();
        return buffer.promise;
      },
    });
    await asked.promise;
    // The other direction is open all the while, and shows that time has passed.
    for (let i = 0; i < 20; i++) {
      await ends.far.send(exit(String(i)));
      assertEquals((await ends.near.receive())?.message, exit(String(i)));
    }
    assert(!sent.settled(), "the send is still pending");
    buffer.resolve(new Uint8Array(4 * LARGE + FIELDS_BYTES));
    assertEquals(vectorOf(await received).length, LARGE);
    await sent.promise;
  });
}
