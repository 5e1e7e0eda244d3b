export { default as bus } from "aksara:signals/bus@0.1.0";
