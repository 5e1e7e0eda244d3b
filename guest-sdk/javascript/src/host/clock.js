export { default as clock } from "wasi:clocks/wall-clock@0.2.0";
