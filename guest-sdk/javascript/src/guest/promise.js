// Promises in a plugin. The engine runs the jobs of its own promises only between calls of the host, and a handler has
// to be done when its call ends: these keep their jobs in a queue that `settle` works off.

const queue = [];
/** Promises that were rejected, and of which nobody has asked. */
const unheard = new Map();

/** Runs a function once the code under way is done. */
export function enqueue(job) {
  queue.push(job);
}

/** Works off the queue, with whatever it brings. Throws the error of a promise that nobody waits for. */
export function drain() {
  while (queue.length > 0) queue.shift()();
  const [error] = unheard.values();
  const isLost = unheard.size > 0;
  unheard.clear();
  if (isLost) throw error;
}

/** Waits for a promise: returns what it is fulfilled with, or throws what it is rejected with. */
export function settle(promise, name) {
  let outcome;
  promise.then(
    (value) => (outcome = { value }),
    (error) => (outcome = { error }),
  );
  drain();
  if (!outcome) throw new Error(`\`${name}\` waits for a promise that nothing settles`);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** As the language's own, ECMAScript 2025, section 27.2. */
export class Promise {
  #state = "pending";
  #value;
  #reactions = [];

  constructor(executor) {
    if (typeof executor !== "function") throw new TypeError("a promise is made of a function");
    const { resolve, reject } = this.#resolvers();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  #resolvers() {
    let isResolved = false;
    const once = (use) => (value) => {
      if (isResolved) return;
      isResolved = true;
      use(value);
    };
    return { resolve: once((value) => this.#resolve(value)), reject: once((error) => this.#settle("rejected", error)) };
  }

  #resolve(value) {
    if (value === this) return this.#settle("rejected", new TypeError("a promise cannot wait for itself"));
    let then;
    try {
      then = typeof value === "object" || typeof value === "function" ? value?.then : undefined;
    } catch (error) {
      return this.#settle("rejected", error);
    }
    if (typeof then !== "function") return this.#settle("fulfilled", value);
    const { resolve, reject } = this.#resolvers();
    enqueue(() => {
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    if (state === "rejected" && this.#reactions.length === 0) unheard.set(this, value);
    for (const reaction of this.#reactions.splice(0)) enqueue(() => reaction[state](value));
  }

  then(fulfilled, rejected) {
    return new Promise((resolve, reject) => {
      const react = (handle, otherwise) => (value) => {
        if (typeof handle !== "function") return otherwise(value);
        try {
          resolve(handle(value));
        } catch (error) {
          reject(error);
        }
      };
      unheard.delete(this);
      const reaction = { fulfilled: react(fulfilled, resolve), rejected: react(rejected, reject) };
      if (this.#state === "pending") this.#reactions.push(reaction);
      else enqueue(() => reaction[this.#state](this.#value));
    });
  }

  catch(rejected) {
    return this.then(undefined, rejected);
  }

  finally(done) {
    return this.then(
      (value) => Promise.resolve(done()).then(() => value),
      (error) =>
        Promise.resolve(done()).then(() => {
          throw error;
        }),
    );
  }

  static resolve(value) {
    return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
  }

  static reject(error) {
    return new Promise((_, reject) => reject(error));
  }

  static withResolvers() {
    const made = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
    return made;
  }

  static try(run, ...args) {
    return new Promise((resolve) => resolve(run(...args)));
  }

  static all(promises) {
    return collect(promises, (promise, keep, reject) => promise.then(keep, reject));
  }

  static allSettled(promises) {
    return collect(promises, (promise, keep) =>
      promise.then(
        (value) => keep({ status: "fulfilled", value }),
        (reason) => keep({ status: "rejected", reason }),
      ),
    );
  }

  static any(promises) {
    const failed = collect(promises, (promise, keep, reject) => promise.then(reject, keep));
    return failed.then(
      (errors) => {
        throw new AggregateError(errors, "All promises were rejected");
      },
      (value) => value,
    );
  }

  static race(promises) {
    return new Promise((resolve, reject) => {
      for (const promise of promises) Promise.resolve(promise).then(resolve, reject);
    });
  }
}

Object.defineProperty(Promise.prototype, Symbol.toStringTag, { value: "Promise" });

/** A promise for what is kept of each, in order. */
function collect(promises, each) {
  return new Promise((resolve, reject) => {
    const kept = [];
    let waiting = 1;
    const done = () => --waiting === 0 && resolve(kept);
    let index = 0;
    for (const promise of promises) {
      const at = index++;
      waiting++;
      const keep = (value) => {
        kept[at] = value;
        done();
      };
      each(Promise.resolve(promise), keep, reject);
    }
    done();
  });
}
