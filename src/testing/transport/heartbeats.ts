import { DeadlineError } from "../../base/errors.ts";
import { Connection } from "../../net/connection.ts";
import { MessageCode } from "../../wire/message_code.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "../deps.ts";
import {
  exit,
  frameOf,
  HEARTBEAT_SECONDS,
  LARGE,
  nextTick,
  openChannels,
  update,
  vectorOf,
  watch,
} from "./pair.ts";
import type { TransportTests } from "./tests.ts";

/** Tests the signs of life of a connection. */
export function testHeartbeats({ address, pair, test, transport }: TransportTests): void {
  test("an idle pair with heartbeats stays alive, and receive() does not show them", async () => {
    const options = { heartbeatSeconds: HEARTBEAT_SECONDS };
    using ends = await pair({ near: options, far: options });
    const atNear = watch(ends.near.receive()), atFar = watch(ends.far.receive());
    // Eight heartbeats of each side are more than the six of silence that would end it.
    const beats = 8 * frameOf({ code: MessageCode.Heartbeat, payload: {} }).length;
    while (ends.near.bytesReceived < beats || ends.far.bytesReceived < beats) await nextTick();
    assert(!atNear.settled() && !atFar.settled(), "nothing came but heartbeats");
    await Promise.all([ends.near.send(exit("to far")), ends.far.send(exit("to near"))]);
    assertEquals((await atNear.promise)?.message, exit("to near"));
    assertEquals((await atFar.promise)?.message, exit("to far"));
  });

  test("a peer that says nothing is given up with a DeadlineError", async () => {
    using ends = await openChannels(transport, address);
    await using far = new Connection(ends.far, { heartbeatSeconds: HEARTBEAT_SECONDS });
    const error = await assertRejects(() => far.receive(), DeadlineError);
    assertEquals(
      error.message,
      `Lost the connection to ${far.remote}: nothing heard for 0.3 seconds`,
    );
    assertStrictEquals(await assertRejects(() => far.send(exit("x"))), error);
  });

  test("a peer that says nothing is given up inside a frame too", async () => {
    using ends = await openChannels(transport, address);
    await using far = new Connection(ends.far, { heartbeatSeconds: HEARTBEAT_SECONDS });
    const received = assertRejects(() => far.receive(), DeadlineError);
    await ends.near.write(frameOf(update(1, new Float32Array(1000))).subarray(0, 100));
    await received;
  });

  test("a peer is not given up while this side lets it wait", async () => {
    using ends = await pair({ far: { heartbeatSeconds: HEARTBEAT_SECONDS } });
    const sent = ends.near.send(update(1, new Float32Array(LARGE)));
    const atNear = assertRejects(() => ends.near.receive());
    // This side's heartbeats tell the time: more than the silence that would end it.
    const beats = 8 * frameOf({ code: MessageCode.Heartbeat, payload: {} }).length;
    const received = await ends.far.receive({
      place: async ({ bodyLength }) => {
        while (ends.near.bytesReceived < beats) await nextTick();
        return new Uint8Array(bodyLength);
      },
    });
    assertEquals(vectorOf(received).length, LARGE);
    await sent;
    ends.near.abort(new Error("The test is over"));
    await atNear;
  });
}
