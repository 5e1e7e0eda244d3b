// Traces of a bundle: the build leaves behind which of its lines is which line of the author's sources.

/** Shows only frames of the author's sources, as `src/index.js:12`. */
export function byTable({ names, lines }) {
  return (stack) => {
    const frames = stack.split("\n").flatMap((frame) => {
      const at = /\/plugin\.js:(\d+):\d+/.exec(frame);
      const source = at && lines[at[1]];
      return source ? [frame.replace(at[0], `${names[source[0]]}:${source[1]}`)] : [];
    });
    return frames.join("\n");
  };
}
