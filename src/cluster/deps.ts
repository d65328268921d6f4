/**
 * Clients of NATS: the only module of the package that names them.
 *
 * @module
 */

export {
  credsAuthenticator,
  errors,
  headers,
  nkeyAuthenticator,
  nkeys,
  nuid,
} from "npm:@nats-io/nats-core@3.4.0";
export type {
  Authenticator,
  ConnectionOptions,
  Msg,
  MsgHdrs,
  NatsConnection,
} from "npm:@nats-io/nats-core@3.4.0";
export { connect } from "npm:@nats-io/transport-node@3.4.0";
export { NodeTransport } from "npm:@nats-io/transport-node@3.4.0/lib/node_transport.js";
export {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "npm:@nats-io/jetstream@3.4.0";
export type {
  Consumer,
  JetStreamClient,
  JetStreamManager,
  JsMsg,
  StoredMsg,
  StreamConfig,
} from "npm:@nats-io/jetstream@3.4.0";
export { Kvm } from "npm:@nats-io/kv@3.4.0";
export type { KV } from "npm:@nats-io/kv@3.4.0";
export { getSha256Backend, Objm, setSha256Backend } from "npm:@nats-io/obj@3.4.0";
export type { ObjectStore } from "npm:@nats-io/obj@3.4.0";
