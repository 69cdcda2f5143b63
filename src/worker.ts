/** The Worker: its handlers over the real clock, network and mapping files. */
import { mappings } from "../mappings/index.ts";
import { createWorker } from "./app.ts";

export default createWorker({
  now: Date.now,
  sleep: (time) => scheduler.wait(time),
  random: Math.random,
  fetch: (request) => fetch(request),
  mappings,
});
