export { default as random } from "wasi:random/random@0.2.0";
