/** A type whose fields, at every depth, are read-only. */
type DeepReadonly<T> = T extends Float32Array ? T
  : T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
  : T;

/** True for types that are equal but for `readonly`, at every depth; else false. */
export type Same<A, B> = (<T>() => T extends DeepReadonly<A> ? 1 : 2) extends
  (<T>() => T extends DeepReadonly<B> ? 1 : 2) ? true : false;

/** Fails the type check where a claim of {@linkcode Same} is false. */
export function same<_Claim extends true>(): void {}
