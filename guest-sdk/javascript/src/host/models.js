export { default as models } from "aksara:signals/models@0.1.0";
