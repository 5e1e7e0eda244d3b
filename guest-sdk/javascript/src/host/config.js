export { default as config } from "aksara:signals/config@0.1.0";
