/** What the tests inside workerd are given: the Worker's own bindings. */

import type { Env as WorkerEnv } from "../env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {}
  }
}
