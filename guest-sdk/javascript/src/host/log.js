export { default as log } from "aksara:signals/log@0.1.0";
