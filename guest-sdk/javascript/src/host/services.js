export { default as services } from "aksara:signals/services@0.1.0";
