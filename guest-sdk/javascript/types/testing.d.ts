// The types of `aksara/testing`.

import type { Change, Fields, Value } from "./index.js";

/** What the plugin says of itself, as the contract has it. */
export function describe(): {
  name: string;
  version: string;
  contract: string;
  subscriptions: {
    handler: string;
    signal: string;
    sender: string | null;
    priority: number;
    reads: string[] | null;
    writes: string[] | null;
    when: { created?: boolean; changed?: string[] };
  }[];
  signals: Record<string, string[]>;
  grants: Record<string, unknown>;
};

/** An event, as far as a test cares. */
export interface EventOf<T = Fields> {
  /** Which of the handler's signals, when it is connected to several. */
  signal?: string;
  sender?: string;
  db?: string;
  depth?: number;
  time?: Date;
  instance?: T;
  instances?: T[];
  created?: boolean;
  updateFields?: string[];
  changes?: Change[];
  raw?: boolean;
  origin?: "instance" | "query";
  fields?: string[];
  rows?: number;
  action?: string;
  reverse?: boolean;
  model?: string;
  pkSet?: Value[];
  key?: Value;
  deleted?: boolean;
  args?: Fields;
}

/** What came of a call. */
export interface Called<T = Fields> {
  /** The fields that the handler changed. */
  patch: Partial<T>;
  /** The fields that it had the save write. */
  updateFields?: string[];
  /** Bulk operations: the same for each instance. */
  instances?: Partial<T>[];
  /** The keys that replace those being added. */
  pkSet?: Value[];
  /** The message of its refusal. */
  rejected?: string;
  /** Its messages by field. */
  invalid?: Record<string, string[]>;
  /** The text of its own failure. */
  error?: string;
  /** The lines that it wrote to the log, with `level`, `message` and their fields. */
  log: Fields[];
  /** What it asked of the host, in order. */
  requests: { import: string; request: Fields }[];
}

/** What an HTTP request gets; 200 and nothing unless given. */
export interface HttpResponse {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** Answers what handlers ask: from rows, services, settings, HTTP responses and a cache in memory, which stay from call to call. */
export class Host {
  constructor(has?: {
    rows?: Record<string, Fields[]>;
    // A service takes and returns whatever it likes.
    services?: Record<string, (args: any) => unknown>;
    settings?: Record<string, Value>;
    cache?: Record<string, Record<string, Uint8Array>>;
    responses?: Record<string, HttpResponse>;
  });
  /** Rows by model; the key of each is `id`. */
  rows: Record<string, Fields[]>;
  services: Record<string, (args: any) => unknown>;
  settings: Record<string, Value>;
  /** Values by bucket and key. */
  cache: Record<string, Record<string, Uint8Array>>;
  /** What HTTP requests get, by URL. */
  responses: Record<string, HttpResponse>;
  /** Runs the handler with this name for one event, and says what came of it. */
  call<T = Fields>(handler: string, event?: EventOf<T>): Promise<Called<T>>;
}
