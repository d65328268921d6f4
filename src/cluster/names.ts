/**
 * Names on the queue's server: streams, subjects and buckets. All runs share them, and a session's
 * subjects begin with its id, so that what it leaves behind is purged by subject.
 *
 * A **session** is one process that conducts a run. A run that is taken over has another session
 * from there on.
 *
 * @module
 */

/** Version of what coordinators and machines tell each other. */
export const CLUSTER_PROTOCOL = 2;

/** Beginning of the ids of processes whose user has no key. */
export const ANYONE = "anyone";

/** Stream of the blocks of jobs that wait: a work queue with one consumer for each session. */
export const JOBS_STREAM = "fedlab-jobs";
/** Stream of the outcomes of blocks. */
export const DONE_STREAM = "fedlab-done";
/** Stream of the vectors of a session, in parts. */
export const VECTORS_STREAM = "fedlab-vectors";
/** Stream of the events of runs, which any number of watchers replay. */
export const EVENTS_STREAM = "fedlab-events";
/** Bucket with a note on each session, which machines watch. */
export const SESSIONS_BUCKET = "fedlab-sessions";
/** Bucket with the lease of each session and of each run, whose entries expire. */
export const LEASES_BUCKET = "fedlab-leases";
/** Bucket with the state of each machine, whose entries expire. */
export const MACHINES_BUCKET = "fedlab-machines";
/** Bucket with the checkpoint of each run that may be taken over. */
export const RUNS_BUCKET = "fedlab-runs";
/** Object store of data sets and descriptions, by their SHA-256. */
export const DATA_STORE = "fedlab-data";
/** Object store of the checkpoints of runs. */
export const CHECKPOINT_STORE = "fedlab-checkpoints";

/** Subject of a block of jobs. */
export function jobSubject(session: string, list: number, block: number): string {
  return `fedlab.job.${session}.${list}.${block}`;
}

/** Place of the outcomes of an attempt at a block. */
export interface OutcomePlace {
  readonly session: string;
  readonly list: number;
  readonly block: number;
  /** Key of the attempt, which only machines know that were given the block. */
  readonly key: string;
}

/** Subject of the outcome that a machine has for a block; `">"` for those of all machines. */
export function doneSubject({ session, list, block, key }: OutcomePlace, machine: string): string {
  return `fedlab.done.${session}.${list}.${block}.${key}.${machine}`;
}

/** Returns the id of the machine that sends to a subject; the server checks its user's key. */
export function machineIn(subject: string): string {
  return subject.split(".").slice(-2).join(".");
}

/**
 * Returns the part of a machine's id that it cannot choose: its user's key; the whole id of one
 * that has none.
 */
export function ownerOf(machine: string): string {
  const [user = ""] = machine.split(".");
  return user === ANYONE ? machine : user;
}

/**
 * Subject on which a machine tells that it is done with a block; nothing of it is stored. `">"` for
 * those of all machines.
 */
export function endedSubject(session: string, machine: string): string {
  return `fedlab.ended.${session}.${machine}`;
}

/** Subject of a part of a vector, whose name begins with the user who stores it. */
export function partSubject(session: string, name: string, part: number | "*"): string {
  return `fedlab.vector.${session}.${name}.${part}`;
}

/** Subject of the events of a run. */
export function eventSubject(run: string): string {
  return `fedlab.event.${run}`;
}

/** All subjects of a session in a stream. */
export function sessionFilter(kind: "job" | "done" | "vector", session: string): string {
  return `fedlab.${kind}.${session}.>`;
}

/** Key of a machine that takes part in a session. Its id begins with its user. */
export function machineKey(session: string, machine: string): string {
  return `${session}.${machine}`;
}
