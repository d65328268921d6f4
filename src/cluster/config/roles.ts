/**
 * Rights of each role on the server of a cluster.
 *
 * @module
 */

import {
  CHECKPOINT_STORE,
  DATA_STORE,
  DONE_STREAM,
  EVENTS_STREAM,
  JOBS_STREAM,
  LEASES_BUCKET,
  MACHINES_BUCKET,
  RUNS_BUCKET,
  SESSIONS_BUCKET,
  VECTORS_STREAM,
} from "../names.ts";

/** Roles of a cluster: who does jobs, who conducts runs, and who looks on. */
export const ROLES = ["worker", "coordinator", "watcher"] as const;

/** Role in a cluster. */
export type Role = typeof ROLES[number];

/** Subjects that a user may publish and subscribe to. */
export interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Streams of buckets and of object stores, as the server names them. */
const bucket = (name: string) => `KV_${name}`, store = (name: string) => `OBJ_${name}`;

/** Requests by which entries of a bucket, or objects of a store, are read and watched. */
const reading = (stream: string) => [
  `$JS.API.STREAM.INFO.${stream}`,
  `$JS.API.STREAM.MSG.GET.${stream}`,
  ...directly(stream),
  `$JS.API.CONSUMER.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.INFO.${stream}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
  `$JS.API.CONSUMER.DELETE.${stream}.>`,
  `$JS.FC.${stream}.>`,
];

/** Requests by which messages of a stream are read, without a consumer. */
const directly = (stream: string) => [
  `$JS.API.DIRECT.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}.>`,
];

/** Requests by which everything of a stream is made, read, purged and removed. */
const owning = (stream: string) => [
  `$JS.API.STREAM.*.${stream}`,
  `$JS.API.STREAM.MSG.*.${stream}`,
  `$JS.API.CONSUMER.*.${stream}`,
  `$JS.API.CONSUMER.*.${stream}.>`,
  `$JS.API.CONSUMER.*.*.${stream}.>`,
  ...directly(stream),
  `$JS.FC.${stream}.>`,
];

/** All streams of a cluster. */
const STREAMS: readonly string[] = [
  ...[JOBS_STREAM, DONE_STREAM, VECTORS_STREAM, EVENTS_STREAM],
  ...[SESSIONS_BUCKET, LEASES_BUCKET, MACHINES_BUCKET, RUNS_BUCKET].map(bucket),
  ...[DATA_STORE, CHECKPOINT_STORE].map(store),
];

const PUBLISHED: Readonly<Record<Role, (user: string) => readonly string[]>> = {
  worker: (user) => [
    // Nobody can send outcomes, vectors or a presence in another's name.
    ...[`fedlab.done.*.*.*.*.${user}.*`, `fedlab.vector.*.${user}.>`],
    `fedlab.ended.*.${user}.*`,
    `$KV.${MACHINES_BUCKET}.*.${user}.*`,
    "$JS.API.INFO",
    ...[`$JS.API.CONSUMER.INFO.${JOBS_STREAM}.*`, `$JS.API.CONSUMER.MSG.NEXT.${JOBS_STREAM}.*`],
    `$JS.ACK.${JOBS_STREAM}.>`,
    ...directly(VECTORS_STREAM),
    ...directly(bucket(LEASES_BUCKET)),
    ...reading(bucket(SESSIONS_BUCKET)),
    ...reading(store(DATA_STORE)),
  ],
  coordinator: () => [
    ...["fedlab.job.>", "fedlab.vector.>", "fedlab.event.>"],
    ...[SESSIONS_BUCKET, LEASES_BUCKET, RUNS_BUCKET].map((name) => `$KV.${name}.>`),
    ...[DATA_STORE, CHECKPOINT_STORE].map((name) => `$O.${name}.>`),
    "$JS.API.INFO",
    ...STREAMS.flatMap(owning),
  ],
  watcher: () => [
    "$JS.API.INFO",
    `$JS.API.STREAM.INFO.${EVENTS_STREAM}`,
    ...directly(EVENTS_STREAM),
  ],
};

const SUBSCRIBED: Readonly<Record<Role, readonly string[]>> = {
  worker: [],
  coordinator: ["fedlab.ended.>"],
  watcher: ["fedlab.event.>"],
};

/**
 * Returns the rights of a user with a role. Answers to its requests come to subjects that only this
 * user may listen to.
 *
 * @param publicKey Public nkey of the user, `"U…"`.
 */
export function rightsOf(role: Role, publicKey: string): Rights {
  return {
    publish: PUBLISHED[role](publicKey),
    subscribe: [...SUBSCRIBED[role], `${inboxOf(publicKey)}.>`],
  };
}

/** Returns the beginning of the subjects at which a user receives answers. */
export function inboxOf(publicKey: string): string {
  return `_INBOX.${publicKey}`;
}
