import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import { Connection } from "../../net/connection.ts";
import { PREFIX_BYTES } from "../../wire/frame.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import { MessageCode } from "../../wire/message_code.ts";
import { assert, assertEquals, assertRejects } from "../deps.ts";
import { accepted, corrupted, exit, frameOf, LARGE, openChannels, update, watch } from "./pair.ts";
import type { TransportTests } from "./tests.ts";

/** Tests peers that break the protocol or die. */
export function testFaults({ address, pair, test, transport }: TransportTests): void {
  const BROKEN: readonly [what: string, bytes: Uint8Array<ArrayBuffer>, fault: string][] = [
    ["another protocol", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "bad-magic"],
    ["another version", corrupted(exit("x"), 4, 9), "unsupported-version"],
    ["another code", corrupted(exit("x"), 6, 99), "unknown-code"],
    ["too long a frame", corrupted(exit("x"), 15, 0xFF), "frame-too-large"],
    ["a broken body", corrupted(exit("x"), PREFIX_BYTES, 0xFF), "malformed-body"],
    ["an unfit field", corrupted(exit("x"), PREFIX_BYTES + 2, 0x78), "invalid-field"],
  ];
  for (const [what, bytes, fault] of BROKEN) {
    test(`${what} rejects receive() with ${fault}, and the listener still accepts others`, async () => {
      const listener = await transport.listen(address);
      const [bad, far] = await Promise.all([
        transport.connect(listener.address),
        accepted(listener),
      ]);
      const connection = new Connection(far);
      await bad.write(bytes);
      const error = await assertRejects(() => connection.receive(), ProtocolError);
      assertEquals(error.fault, fault);
      const [good, next] = await Promise.all([
        transport.connect(listener.address),
        accepted(listener),
      ]);
      const other = new Connection(next);
      await good.write(frameOf(exit("still here")));
      assertEquals((await other.receive())?.message, exit("still here"));
      connection.abort(error);
      other.abort(error);
      for (const one of [bad, good, listener]) one.close();
    });
  }

  test("refuse() lets the peer read the Error, then the end", async () => {
    using ends = await pair();
    const error = new ProtocolError("rank-taken", "Cannot join: rank 1 is taken by another client");
    const refused = ends.far.refuse(error);
    assertEquals((await ends.near.receive())?.message, {
      code: MessageCode.Error,
      payload: { fault: error.fault, message: error.message, fatal: true },
    });
    assertEquals(await ends.near.receive(), null);
    await Promise.all([refused, ends.near.close()]);
  });

  test("refuse() reaches a peer that is still sending a large vector", async () => {
    using ends = await pair();
    const sent = watch(ends.near.send(update(1, new Float32Array(LARGE))));
    await assertRejects(() =>
      ends.far.receive({
        place: () => {
          throw new ProtocolError("frame-too-large", "Cannot read it: too large");
        },
      }), ProtocolError);
    const refused = ends.far.refuse(
      new ProtocolError("frame-too-large", "Cannot read it: too large"),
    );
    const received = await ends.near.receive();
    assert(received?.message?.code === MessageCode.Error);
    assertEquals(received.message.payload.fault, "frame-too-large");
    await sent.promise;
    await Promise.all([refused, ends.near.close()]);
  });

  test("the end inside a prefix or a body is a truncated-frame, between two frames it is null", async () => {
    const frame = frameOf(update(1, new Float32Array(100_000)));
    for (
      const length of [0, 1, PREFIX_BYTES - 1, PREFIX_BYTES, PREFIX_BYTES + 1, frame.length - 1]
    ) {
      using ends = await openChannels(transport, address);
      const far = new Connection(ends.far);
      // Written in parallel: the last ones are more than a buffer holds.
      const written = ends.near.write(frame.subarray(0, length)).then(() => ends.near.closeWrite());
      if (length === 0) assertEquals(await far.receive(), null);
      else {
        const error = await assertRejects(() => far.receive(), ProtocolError);
        assertEquals(error.fault, "truncated-frame", `cut at ${length}`);
      }
      await written;
      far.abort(new Error("The test is over"));
    }
  });

  test("the end inside a body that is skipped is a truncated-frame as well", async () => {
    using ends = await openChannels(transport, address);
    const far = new Connection(ends.far);
    const frame = frameOf(update(1, new Float32Array(1000)));
    await ends.near.write(frame.subarray(0, frame.length - 1));
    await ends.near.closeWrite();
    const error = await assertRejects(() => far.receive({ place: () => undefined }), ProtocolError);
    assertEquals(error.fault, "truncated-frame");
    far.abort(error);
  });

  test("a peer that dies in the middle of a vector leaves no message behind", async () => {
    using ends = await pair();
    const asked = Promise.withResolvers<void>();
    const buffer = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const vector = new Float32Array(LARGE);
    const sent = assertRejects(() => ends.near.send(update(1, vector)));
    const received = assertRejects(() =>
      ends.far.receive({
        place: () => {
          asked.resolve();
          return buffer.promise;
        },
      })
    );
    await asked.promise;
    ends.near.abort(new Error("The client was killed"));
    await sent;
    vector.fill(7);
    buffer.resolve(new Uint8Array(4 * LARGE + FIELDS_BYTES));
    const error = await received;
    assert(
      error instanceof ConnectionClosedError ||
        error instanceof ProtocolError && error.fault === "truncated-frame",
      String(error),
    );
  });
}
