// The component that runs plain scripts: the engine and the SDK are there already, the script comes from the host.

import "../src/guest/globals.js";
import source from "aksara:runner/source@0.1.0";
import { failure } from "../src/dispatch.js";
import { handler as component, showTraces } from "../src/guest/component.js";
import { report } from "../src/report.js";
import * as aksara from "../src/index.js";
import { prepare as prepared } from "./prepare.js";

// With and without an `import`; what prepared scripts use is under a name that no script has by accident.
Object.assign(globalThis, aksara, { [Symbol.for("aksara")]: { sdk: aksara, run: runAsync } });

/** Runs an `async` function, as a generator that yields what it waits for. */
function runAsync(self, args, generator) {
  return new Promise((resolve, reject) => {
    const running = generator.apply(self, args);
    const step = (how, value) => {
      let result;
      try {
        result = running[how](value);
      } catch (error) {
        return reject(error);
      }
      if (result.done) return resolve(result.value);
      Promise.resolve(result.value).then(
        (value) => step("next", value),
        (error) => step("throw", error),
      );
    };
    step("next");
  });
}

/** Runs a script, which connects its handlers. */
function run(text) {
  const name = source.name();
  aksara.plugin({ name });
  showTraces(tracesOf(name));
  // On one line with the script's first, so that lines have their numbers.
  (0, eval)(`(function () { "use strict"; ${text}\n})`)();
}

/** Shows only frames of the script, which the engine knows as its input. */
function tracesOf(name) {
  return (stack) => {
    const frames = stack.split("\n").filter((frame) => frame.includes("<input>:"));
    return frames.map((frame) => frame.replace(/<input>:(\d+):\d+/, `${name}.js:$1`)).join("\n");
  };
}

export const script = {
  prepare(text) {
    const name = source.name();
    let made;
    try {
      made = prepared(text, Object.keys(aksara));
    } catch (error) {
      throw `${name}.js:${error.line}: ${error.message}`;
    }
    try {
      run(made);
    } catch (error) {
      throw report(error, tracesOf(name));
    }
    return made;
  },
};

let isReady = false;

function ready() {
  if (!isReady) run(source.text());
  isReady = true;
}

export const handler = {
  describe() {
    ready();
    return component.describe();
  },

  handle(subscription, bytes) {
    try {
      ready();
    } catch (error) {
      throw failure(error);
    }
    return component.handle(subscription, bytes);
  },
};
