import type { ErrorDetail, FailedStage } from "./schema.js";

/** An answer that is no success. Failures of the network are those that fetch throws. */
export class PulseError extends Error {
  /** The HTTP status, as 404. */
  readonly status: number;
  /** The places in the request that are wrong; empty where none is named. */
  readonly details: readonly ErrorDetail[];
  /** How far a connection test came; absent for every other error. */
  readonly failure: FailedStage | undefined;
  /** Seconds to wait before the next try, where Pulse says so. */
  readonly retryAfter: number | undefined;
  /** The id under which Pulse logs the request. */
  readonly requestId: string | undefined;

  constructor(response: Response, said: Said) {
    super(said.error ?? (said.reasons?.join("; ") || response.statusText || `status ${response.status}`));
    this.name = "PulseError";
    this.status = response.status;
    this.details = said.details ?? [];
    this.failure = said.failure;
    const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    this.retryAfter = Number.isNaN(seconds) ? undefined : seconds;
    this.requestId = response.headers.get("X-Request-Id") ?? undefined;
  }

  /** Reads an answer that is no success. One that is not Pulse's, as of a proxy in between, has its status only. */
  static async from(response: Response): Promise<PulseError> {
    const said: unknown = await response.json().catch(() => undefined);
    return new PulseError(response, typeof said === "object" && said !== null ? said : {});
  }
}

/** What a body may say; readiness has reasons in place of an error. */
interface Said {
  error?: string;
  details?: ErrorDetail[];
  failure?: FailedStage;
  reasons?: string[];
}
