// What recurses over data that is too deep, or without end: each is an error that a handler can catch.

const LEVELS = 100_000;

const nested = () => {
  let value = [];
  for (let level = 1; level < LEVELS; level++) value = [value];
  return value;
};

const forever = (depth) => forever(depth + 1) + 1;

const ATTEMPTS = {
  nest: [
    () => JSON.parse("[".repeat(LEVELS) + "]".repeat(LEVELS)),
    () => String(nested()),
    () => nested().flat(Number.POSITIVE_INFINITY),
    () => new RegExp("(".repeat(LEVELS) + ")".repeat(LEVELS)),
  ],
  recurse: [() => forever(0), () => [1].map(function again() { return [1].map(again); })],
};

export function caught(kind) {
  return ATTEMPTS[kind].map((attempt) => {
    try {
      attempt();
      return "none";
    } catch (error) {
      return error.name;
    }
  });
}
