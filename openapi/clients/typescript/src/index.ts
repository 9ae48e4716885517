export { PulseError } from "./error.js";
export { Pulse, type PulseOptions } from "./pulse.js";
export type * from "./schema.js";
