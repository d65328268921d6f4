import { rightsOf, type Role } from "./roles.ts";

/** User of a cluster. */
export interface ClusterUser {
  /** Name for people, such as `"worker-1"`. */
  readonly name: string;
  readonly role: Role;
  /** Public nkey, `"U…"`. */
  readonly publicKey: string;
}

/** Settings of a cluster's server. */
export interface NatsConfOptions {
  /** Address to listen at. */
  readonly host: string;
  readonly port: number;
  /** Folder of the configuration on the server's machine. */
  readonly folder: string;
  /** Folder of the store on the server's machine. */
  readonly store: string;
  /** Most room of the store, such as `"100GB"`. */
  readonly maxStore: string;
  /** Time after which what was stored is on the disk: `"always"` for at once, or such as `"2m"`. */
  readonly syncInterval: string;
  /** Is false for a server without TLS. */
  readonly tls: boolean;
  readonly users: readonly ClusterUser[];
}

/** Bytes of a message at most: vectors move in parts of half of it. */
const MAX_PAYLOAD = "1MB";
/** Memory of JetStream for what is not stored in files, of which the cluster has nothing. */
const MAX_MEMORY = "256MB";
/** Streams that an account may have: those of a cluster, and as many again. */
const MAX_STREAMS = 20;

/** Writes the configuration of a `nats-server` with one account, whose users have roles. */
export function natsConf(options: NatsConfOptions): string {
  const { host, port, folder, store, maxStore, syncInterval, tls, users } = options;
  return `# Server of a cluster, written by fedlab cluster-config. Changes here are lost when it runs again.
server_name: fedlab
host: ${quoted(host)}
port: ${port}
max_payload: ${MAX_PAYLOAD}
max_connections: 10000

# Figures of the server at /varz, /connz and /jsz, for this machine alone.
http: "127.0.0.1:8222"

jetstream {
  store_dir: ${quoted(store)}
  max_mem: ${MAX_MEMORY}
  max_file: ${maxStore}
  sync_interval: ${quoted(syncInterval)}
}
${
    tls
      ? `
tls {
  cert_file: ${quoted(`${folder}/server.pem`)}
  key_file: ${quoted(`${folder}/server.key`)}
  timeout: 5
}
`
      : ""
  }
# Users have no passwords: each signs the server's challenge with its nkey.
accounts {
  FEDLAB {
    jetstream { max_mem: ${MAX_MEMORY}, max_file: ${maxStore}, max_streams: ${MAX_STREAMS} }
    users: [
${users.map(userText).join("\n")}
    ]
  }
}
`;
}

function userText({ name, role, publicKey }: ClusterUser): string {
  const { publish, subscribe } = rightsOf(role, publicKey);
  return `      # ${name}
      {
        nkey: ${publicKey}
        permissions: {
          publish: { allow: ${list(publish)} }
          subscribe: { allow: ${list(subscribe)} }
        }
      }`;
}

function list(subjects: readonly string[]): string {
  return `[\n${subjects.map((subject) => `            ${quoted(subject)}\n`).join("")}          ]`;
}

/** Quotes a text. The server reads escapes as JSON has them. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
