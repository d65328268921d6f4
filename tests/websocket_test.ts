import { websocketTransport } from "../src/net/websocket.ts";
import { connectionCompliance } from "./_connection_compliance.ts";

Deno.test.sanitizer({ ops: true, resources: true });

connectionCompliance("websocketTransport", websocketTransport(), "ws://127.0.0.1:0/federation");
