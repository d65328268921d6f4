import type { ClusterOptions } from "../../src/cluster/connect.ts";
import {
  type ClusterConfigOptions,
  writeClusterConfig,
} from "../../src/cluster/config/write_config.ts";
import { NatsServer } from "./nats_server.ts";

/** A server with the configuration that `cluster-config` writes, and the keys of its users. */
export class ClusterServer implements AsyncDisposable {
  readonly server: NatsServer;

  private constructor(server: NatsServer) {
    this.server = server;
  }

  /** Starts one with two workers, a coordinator and a watcher. */
  static async start(options: Partial<ClusterConfigOptions> = {}): Promise<ClusterServer> {
    const server = await NatsServer.start({
      async config({ port, folder }) {
        const out = `${folder}/config`;
        await writeClusterConfig({
          ...{ out, port, host: "127.0.0.1", hosts: ["127.0.0.1"], tls: true, days: 2 },
          ...{ store: `${folder}/store`, maxStore: "1GB", syncInterval: "always" },
          counts: { worker: 2, coordinator: 1, watcher: 1 },
          ...options,
        });
        const text = await Deno.readTextFile(`${out}/nats.conf`);
        // A fixed port may be in use.
        return text.replace(/^http: .*$/m, "");
      },
    });
    return new ClusterServer(server);
  }

  /** Folder of the keys and certificates. */
  get folder(): string {
    return `${this.server.folder}/config`;
  }

  /** Access to the cluster as a user, such as `"worker-1"`. */
  access(user: string): ClusterOptions {
    return {
      url: `tls://127.0.0.1:${this.server.port}`,
      nkey: Deno.readTextFileSync(`${this.folder}/${user}.seed`).trim(),
      tls: { ca: Deno.readTextFileSync(`${this.folder}/ca.pem`) },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]();
  }
}
