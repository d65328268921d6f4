/** Worker of the page: a client of the federation. */
import { ClientSyncTop, errorMessage, NativeSGDHandler } from "@fedlab/core";
import { partOf } from "./data.ts";

/** Message to the page. */
export interface Told {
  readonly text: string;
}

const scope = self as unknown as {
  onmessage:
    | ((event: MessageEvent<{ server: string; part: number; parts: number }>) => void)
    | null;
  postMessage(message: Told): void;
};

scope.onmessage = async ({ data: { server, part, parts } }) => {
  try {
    const { train, test } = await partOf(part, parts);
    const handler = new NativeSGDHandler({ data: train, testData: test });
    const client = new ClientSyncTop(handler, {
      serverAddr: server,
      distBackend: "websocket",
      loggerFile: "",
      onEvent: ({ type }) => scope.postMessage({ text: type }),
    });
    await client.run();
    const { accuracy = 0 } = await handler.evaluate();
    scope.postMessage({ text: `The run is over: accuracy ${(accuracy * 100).toFixed(1)} %` });
  } catch (error) {
    scope.postMessage({ text: errorMessage(error) });
  }
};
