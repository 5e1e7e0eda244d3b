// The types of `aksara`.

/** A value that the wire has a form for. An integer beyond 2^53 is a `bigint`, a `Decimal` and a date are a `string`. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uuid
  | Uint8Array
  | Value[]
  | { [name: string]: Value };

/** The fields of an instance, where a plugin does not say what they are. */
export type Fields = Record<string, any>;

/** A UUID: its 16 bytes, which read as text in the usual form: `${instance.id}`. */
export class Uuid extends Uint8Array {
  static from(value: string | ArrayLike<number> | Iterable<number>): Uuid;
  toString(): string;
  toJSON(): string;
}

/**
 * A time of the database: a `Date` that also keeps what is below its millisecond. Every time that a handler is sent is
 * one, for every value; any `Date` may be assigned. What sets the milliseconds takes away what is below them.
 */
export class Timestamp extends Date {
  constructor(seconds: number, nanoseconds?: number);
  /** Whole seconds since 1970. */
  readonly seconds: number;
  /** Nanoseconds of the second, below a billion. */
  readonly nanoseconds: number;
  /** The time without what is below a millisecond. */
  toDate(): Date;
  /** As that of `Date`, with 6 or 9 digits of the second where 3 do not say all. */
  toISOString(): string;
  /** As `toISOString`. */
  toString(): string;
}

/** What a handler is called with, whatever the signal. */
export interface Event {
  readonly signal: string;
  /** Label of the model; that of a custom signal may be empty. */
  readonly sender: string;
  /** Alias of the database. */
  readonly db: string;
  /** 0 for a call of the application, one more for each signal sent from inside a handler. */
  readonly depth: number;
  /** The event's own id, a UUIDv7. */
  readonly id: Uuid;
  /** The id that all events of one operation share: of one save, one delete with its cascade, one bulk operation. */
  readonly operation?: Uuid;
  /** When it was sent, exact to a millisecond. */
  readonly time: Date;
}

/** About one instance. What a handler assigns to it goes back, in signals that come before what they tell of. */
export interface InstanceEvent<T = Fields> extends Event {
  readonly instance: T;
}

/** About a save. */
export interface SaveEvent<T = Fields> extends InstanceEvent<T> {
  /** Whether the save inserts the row. */
  readonly created: boolean;
  /** The fields that the save names; `undefined` for a full save. */
  readonly updateFields?: readonly string[];
  /** Whether fixtures are being loaded. */
  readonly raw: boolean;
}

export interface PreSaveEvent<T = Fields> extends SaveEvent<T> {
  /** Has the save under way write these fields as well. */
  addUpdateField(...names: (keyof T & string)[]): void;
}

/** A field that a save changed. */
export interface Change {
  readonly field: string;
  readonly old: Value;
  readonly new: Value;
}

export interface PostSaveEvent<T = Fields> extends SaveEvent<T> {
  readonly changes: readonly Change[];
}

export interface DeleteEvent<T = Fields> extends InstanceEvent<T> {
  /** Whether one instance is deleted, or what a query selects. */
  readonly origin: "instance" | "query";
}

export interface BulkEvent<T = Fields> extends Event {
  readonly instances: readonly T[];
}

export interface BulkUpdateEvent<T = Fields> extends Event {
  readonly instances?: readonly T[];
  /** Names of the fields that are written. */
  readonly fields: readonly string[];
}

export interface PostBulkUpdateEvent<T = Fields> extends BulkUpdateEvent<T> {
  /** How many rows were written. */
  readonly rows: number;
}

export interface M2mChangedEvent<T = Fields> extends Event {
  readonly instance?: T;
  readonly action: "pre_add" | "post_add" | "pre_remove" | "post_remove" | "pre_clear" | "post_clear";
  readonly reverse: boolean;
  /** Label of the model of the keys. */
  readonly model: string;
  /** The keys; a `pre_add` handler may assign others. */
  pkSet?: Value[];
}

export interface AfterCommitEvent<T = Fields> extends Event {
  readonly instance?: T;
  readonly key: Value;
  readonly deleted: boolean;
  readonly created?: boolean;
  readonly changes?: readonly Change[];
}

export interface AfterRollbackEvent extends Event {
  readonly key: Value;
  readonly deleted: boolean;
}

export interface CustomEvent<A = Fields> extends Event {
  readonly args: A;
}

/** A handler. A promise that it returns is waited for; one that nothing settles is an error. */
export type Handler<E> = (event: E) => void | Promise<void>;

/** What a handler is sent, what it may set, and when it runs. */
export interface Options<T = Fields> {
  /** For errors and logs; the function's name unless given. */
  name?: string;
  /** The fields that the handler is sent; all unless given. */
  reads?: readonly (keyof T & string)[];
  /** The fields that it may set; all unless given. */
  writes?: readonly (keyof T & string)[];
  /** Higher runs first; 0 unless given. */
  priority?: number;
  when?: {
    /** `true`: only inserts; `false`: only updates. */
    created?: boolean;
    /** Only when one of these fields changed. */
    changed?: readonly (keyof T & string)[];
  };
}

/** A model that says, once, which of its fields handlers read and write. */
export class Model<T = Fields> {
  constructor(label: string, options?: Options<T>);
  readonly label: string;
  readonly options: Options<T>;
}

/** What connects a handler: the sender, the handler and its options; without a sender, it is for every model. */
export type Connected<E, T> =
  | [sender: string | Model<T> | null, handler: Handler<E>, options?: Options<T>]
  | [handler: Handler<E>, options?: Options<T>];

export function preInit<T = Fields>(...args: Connected<InstanceEvent<T>, T>): Handler<InstanceEvent<T>>;
export function postInit<T = Fields>(...args: Connected<InstanceEvent<T>, T>): Handler<InstanceEvent<T>>;
export function preSave<T = Fields>(...args: Connected<PreSaveEvent<T>, T>): Handler<PreSaveEvent<T>>;
export function postSave<T = Fields>(...args: Connected<PostSaveEvent<T>, T>): Handler<PostSaveEvent<T>>;
export function preDelete<T = Fields>(...args: Connected<DeleteEvent<T>, T>): Handler<DeleteEvent<T>>;
export function postDelete<T = Fields>(...args: Connected<DeleteEvent<T>, T>): Handler<DeleteEvent<T>>;
export function preBulkCreate<T = Fields>(...args: Connected<BulkEvent<T>, T>): Handler<BulkEvent<T>>;
export function postBulkCreate<T = Fields>(...args: Connected<BulkEvent<T>, T>): Handler<BulkEvent<T>>;
export function preBulkUpdate<T = Fields>(...args: Connected<BulkUpdateEvent<T>, T>): Handler<BulkUpdateEvent<T>>;
export function postBulkUpdate<T = Fields>(...args: Connected<PostBulkUpdateEvent<T>, T>): Handler<PostBulkUpdateEvent<T>>;
export function m2mChanged<T = Fields>(...args: Connected<M2mChangedEvent<T>, T>): Handler<M2mChangedEvent<T>>;
export function afterCommit<T = Fields>(...args: Connected<AfterCommitEvent<T>, T>): Handler<AfterCommitEvent<T>>;
export function afterRollback<T = Fields>(...args: Connected<AfterRollbackEvent, T>): Handler<AfterRollbackEvent>;

/** Connects a handler to any signal by its name, also to a custom one. */
export function on<E = Event, T = Fields>(signal: string, ...args: Connected<E, T>): Handler<E>;

/** Disconnects a handler from a signal by its name, before the plugin is described; whether it was connected. */
export function disconnect<E>(signal: string, handler: Handler<E>, sender?: string | Model): boolean;

/** A custom signal: `const paid = new Signal<{ amount: number }>("billing.paid", ["amount"])`. */
export class Signal<A extends object = Fields> {
  /** Declares the signal, when its arguments are named; without them it is somebody else's. */
  constructor(name: string, args?: readonly (keyof A & string)[]);
  readonly name: string;
  connect(handler: Handler<CustomEvent<A>>, options?: Options<A>): Handler<CustomEvent<A>>;
  disconnect(handler: Handler<CustomEvent<A>>): boolean;
  /** Sends it to its handlers, until the first error. `about` says which instance it is about. Grant: `signals`. */
  send(args?: A, about?: About): void;
  /** Sends it to all its handlers; what became of each. Grant: `signals`. */
  sendRobust(args?: A, about?: About): { handler: string; error: string | null }[];
}

/** The instance that a signal is about. */
export interface About {
  sender?: string;
  key?: Value;
}

/** Refuses the operation with this message. */
export function reject(message: string): never;

/** Refuses the operation for fields that are not valid. */
export function invalid(field: string, ...messages: string[]): never;
export function invalid(fields: Record<string, string | readonly string[]>): never;

/** What `reject` throws. */
export class Rejected extends Error {}

/** What `invalid` throws. */
export class Invalid extends Error {
  constructor(fields: Record<string, string | readonly string[]>);
  readonly fields: Record<string, string[]>;
}

/** The host refused a request: a grant is missing, or something was not found or does not fit. */
export class RequestError extends Error {
  /** The constraint of the database that a write violated, if it was that. */
  readonly violation: Violation | null;
}

/** A violated constraint: which fields are wrong. */
export interface Violation {
  kind: "unique" | "foreign_key" | "not_null" | "check";
  /** Label of the model whose constraint it is. */
  model: string;
  /** Its name in the database, where it has one. */
  constraint?: string;
  /** Empty where the database does not say. */
  fields: string[];
}

/** A line of the log with further fields. */
export type Line = (message: unknown, fields?: Record<string, Value | undefined>) => void;

/** The host's log. `console` writes to it as well. */
export const log: { trace: Line; debug: Line; info: Line; warn: Line; error: Line };

/** A filter as the contract has it. */
export type Filter =
  | { field: string; op: string; value: Value }
  | { and: Filter[] }
  | { or: Filter[] }
  | { not: Filter };

/** A filter, or values that fields have to be equal to. */
export type Condition<T = Fields> = Filter | { [name in keyof T]?: T[name] | null };

/** What `update` computes from a field. */
export interface Expression {
  readonly wire: { field: string; op: string; value: number };
}

/** A field, to compare or to compute with. */
export interface Field {
  eq(value: Value): Filter;
  ne(value: Value): Filter;
  lt(value: Value): Filter;
  le(value: Value): Filter;
  gt(value: Value): Filter;
  ge(value: Value): Filter;
  in(values: readonly Value[]): Filter;
  isNull(is?: boolean): Filter;
  contains(text: string): Filter;
  startsWith(text: string): Filter;
  add(value: number): Expression;
  sub(value: number): Expression;
  mul(value: number): Expression;
  div(value: number): Expression;
}

/** A field, to compare or to compute with: `F("stars").ge(3)`, `F("stars").add(1)`. */
export function F(field: string): Field;
/** Rows that all these select. */
export function and(...filters: Condition[]): Filter;
/** Rows that any of these selects. */
export function or(...filters: Condition[]): Filter;
/** Rows that this does not select. */
export function not(filter: Condition): Filter;

/** Rows of a model that have yet to be asked for. */
export interface Rows<T = Fields> {
  /** Only those; further calls narrow it down. */
  filter(...filters: Condition<T>[]): Rows<T>;
  /** In this order; a leading `-` is for descending. */
  orderBy(...names: string[]): Rows<T>;
  limit(limit: number): Rows<T>;
  /** Only these fields of each. */
  fields<N extends keyof T & string>(...names: N[]): Rows<Pick<T, N>>;
  all(): T[];
  first(): T | null;
  count(): number;
  exists(): boolean;
  /** Writes values or expressions to all of them in one statement, without signals; how many there were. */
  update(values: { [name in keyof T]?: T[name] | Expression | null }): number;
  /** Deletes them, with their signals and their cascade; how many rows that were. */
  delete(): number;
}

/** One model. */
export interface Table<T = Fields> {
  /** One row by its key, or `null`; all its fields unless some are named. */
  get(key: Value, ...fields: (keyof T & string)[]): T | null;
  /** Saves a new row, with its signals: all its fields. */
  create(values: Partial<T>): T;
  /** Saves values or expressions of one row, with its signals; 0 when there is none with this key. */
  update(key: Value, values: { [name in keyof T]?: T[name] | Expression | null }): number;
  /** Deletes one row, with its signals; how many rows that were, with those of the cascade. */
  delete(key: Value): number;
  all(): T[];
  filter(...filters: Condition<T>[]): Rows<T>;
  orderBy(...names: string[]): Rows<T>;
  count(): number;
  /** All rows, for `update` and `delete`. */
  rows(): Rows<T>;
}

/** One model by its label: `models<Post>("Post").get(7)`. Each operation needs its grant. */
export function models<T = Fields>(label: string): Table<T>;

/** Calls a function that the application offers to plugins, with any value. The service needs its grant. */
export function service<R = unknown>(name: string, args?: Value): R;

/** One of the plugin's own settings or secrets, or `null`. */
export function config<R = unknown>(name: string): R | null;

/** Bytes by key, which the application and other plugins share. A cache takes no part in the transaction. */
export interface Bucket {
  get(key: string): Uint8Array | null;
  /** The value of a key as text, or `null`. */
  getText(key: string): string | null;
  /** Writes bytes or a text, over what is there. */
  set(key: string, value: Uint8Array | string): void;
  delete(key: string): void;
  exists(key: string): boolean;
}

/** A bucket by its name, which needs its grant. */
export function bucket(name: string): Bucket;

/** The bucket `cache`. */
export const cache: Bucket;

/** What came back of an HTTP request, whatever its status. */
export interface Response {
  readonly url: string;
  readonly status: number;
  /** Whether the status is one of success. */
  readonly ok: boolean;
  /** By their names in any case; several values have `, ` between them. */
  readonly headers: Iterable<[string, string]> & { get(name: string): string | null; has(name: string): boolean };
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json<T = unknown>(): Promise<T>;
}

/**
 * Sends an HTTP request to a host that is granted, with its port. It takes of the time that the event has, 100 ms in a
 * transaction unless the operator says otherwise: send it from `afterCommit` where you can. Redirects are not followed.
 */
export function fetch(
  url: string,
  request?: {
    method?: string;
    headers?: Record<string, string> | Iterable<[string, string]>;
    body?: string | Uint8Array | null;
  },
): Promise<Response>;

/** What a plugin asks for. */
export interface Grants {
  models?: Record<string, ("get" | "find" | "count" | "create" | "update" | "delete")[]>;
  signals?: string[];
  services?: string[];
  keyvalue?: string[];
  /** Hosts that it sends requests to, with their ports: `api.example.com:443`. */
  http?: string[];
}

/** What a plugin is called and asks for; a built one has it in its `package.json`. */
export function plugin(about: { name?: string; version?: string; grants?: Grants }): void;
