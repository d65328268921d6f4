import { ConnectionClosedError } from "../../base/errors.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "../deps.ts";
import { accepted } from "./pair.ts";
import type { TransportTests } from "./tests.ts";

/** Tests listening and connecting. */
export function testListening({ address, test, transport }: TransportTests): void {
  test("listen() gives an address to which clients can connect", async () => {
    const listener = await transport.listen(address);
    const [near, far] = await Promise.all([
      transport.connect(listener.address),
      accepted(listener),
    ]);
    assert(!listener.address.endsWith(":0"), "the port is the real one");
    assert(near.remote.startsWith(`${transport.name} `), near.remote);
    for (const one of [near, far, listener]) one.close();
  });

  test("connect() rejects where nobody listens, and names the address", async () => {
    const listener = await transport.listen(address);
    listener.close();
    const error = await assertRejects(
      () => transport.connect(listener.address),
      ConnectionClosedError,
    );
    assertEquals(error.message, `Cannot connect to ${listener.address}: no server answers there`);
  });

  test("connect() rejects with the reason of a signal that is aborted already", async () => {
    const listener = await transport.listen(address);
    const reason = new Error("The user pressed Ctrl-C");
    const error = await assertRejects(() =>
      transport.connect(listener.address, { signal: AbortSignal.abort(reason) })
    );
    assertStrictEquals(error, reason);
    listener.close();
  });

  test("listen() refuses an address on which something listens", async () => {
    const listener = await transport.listen(address);
    const error = await assertRejects(async () => await transport.listen(listener.address), Error);
    assert(error.message.startsWith(`Cannot listen on ${listener.address}: `), error.message);
    assert(!error.message.includes("\n"));
    listener.close();
  });

  test("an address is free again once its listener is closed", async () => {
    const first = await transport.listen(address);
    first.close();
    const second = await transport.listen(first.address);
    assertEquals(second.address, first.address);
    second.close();
  });

  test("accept() gives null once the listener is closed, pending or not", async () => {
    const listener = await transport.listen(address);
    const pending = [listener.accept(), listener.accept()];
    listener.close();
    listener.close();
    assertEquals(await Promise.all(pending), [null, null]);
    assertEquals(await listener.accept(), null);
  });

  test("channels live on when their listener is closed", async () => {
    const listener = await transport.listen(address);
    const [near, far] = await Promise.all([
      transport.connect(listener.address),
      accepted(listener),
    ]);
    listener.close();
    await near.write(Uint8Array.of(1, 2, 3));
    const into = new Uint8Array(8);
    assertEquals(await far.read(into), 3);
    near.close();
    far.close();
  });
}
