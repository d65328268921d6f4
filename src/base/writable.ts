/** Object that is being made: its fields may be set. */
export type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };
