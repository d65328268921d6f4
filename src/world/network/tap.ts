/** Way in which an end of a connection has come to its end. */
export type EndCause =
  /** Its process has closed it. */
  | "closed"
  /** Its process has ended. */
  | "ended"
  /** The other end has sent all that it had to send. */
  | "peer closed"
  /** It was reset, or has had no answer for too long. */
  | "lost";

/** End of a connection: that of the process that has connected, or that of the listener. */
export type Side = "near" | "far";

/** Observer of all connections of a network, which changes nothing. */
export interface NetworkTap {
  /** A machine has connected to another one, by a number that no open connection has. */
  opened(connection: number, near: string, far: string): void;
  /** The process of a side has written bytes. They may change afterwards. */
  written(connection: number, side: Side, bytes: Uint8Array): void;
  /** So many of the bytes that the other side has written have come to this one. */
  arrived(connection: number, side: Side, length: number): void;
  /** A side has come to its end. That may be told more than once. */
  ended(connection: number, side: Side, cause: EndCause): void;
}

/** Observer of one end of a connection. */
export interface EndTap {
  written(bytes: Uint8Array): void;
  arrived(length: number): void;
  ended(cause: EndCause): void;
}

/** Tells of a connection that is opened, and returns the observers of both of its ends. */
export function endTaps(
  tap: NetworkTap,
  connection: number,
  [near = "", far = ""]: readonly string[],
): readonly [EndTap, EndTap] {
  tap.opened(connection, near, far);
  const of = (side: Side): EndTap => ({
    written: (bytes) => tap.written(connection, side, bytes),
    arrived: (length) => tap.arrived(connection, side, length),
    ended: (cause) => tap.ended(connection, side, cause),
  });
  return [of("near"), of("far")];
}
