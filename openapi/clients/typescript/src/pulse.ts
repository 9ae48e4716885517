import createClient, {
  type Client,
  type ClientPathsWithMethod,
  type MaybeOptionalInit,
  type MethodResponse,
} from "openapi-fetch";

import { PulseError } from "./error.js";
import type { paths, StreamMessage } from "./schema.js";

/** Where a Pulse is, and how to reach it. */
export interface PulseOptions {
  /** Its address, as http://pulse.local:7655; empty for the origin of the page that runs this. */
  url?: string;
  /** The API token; absent where the API is open. */
  token?: string;
  /** Takes the place of the global fetch. */
  fetch?: (request: Request) => Promise<Response>;
}

type Raw = Client<paths>;
type Method = "get" | "post" | "put" | "delete";
type Path<M extends Method> = Exclude<ClientPathsWithMethod<Raw, M>, "/ws">;
type Init<M extends Method, P extends Path<M>> = MaybeOptionalInit<paths[P], M>;
type Rest<I> = undefined extends I ? [init?: I] : [init: I];
type Data<M extends Method, P extends Path<M>, I> = MethodResponse<Raw, M, P, I>;

/** A running Pulse, as a client sees it. */
export class Pulse {
  /**
   * The client behind the methods, for what they leave out: the headers of an answer, and 304 to a read that was asked
   * with an ETag. It throws a PulseError as well.
   */
  readonly client: Raw;
  readonly #url: string;
  readonly #token: string | undefined;

  constructor(options: PulseOptions = {}) {
    this.#url = (options.url ?? "").replace(/\/+$/, "");
    this.#token = options.token || undefined;
    this.client = createClient<paths>({
      baseUrl: this.#url,
      ...(options.fetch && { fetch: options.fetch }),
      ...(this.#token && { headers: { "X-API-Token": this.#token } }),
    });
    this.client.use({
      async onResponse({ response }) {
        if (response.status >= 400) throw await PulseError.from(response);
      },
    });
  }

  /** Reads: `await pulse.get("/api/state")`. Throws a PulseError. */
  async get<P extends Path<"get">, I extends Init<"get", P>>(path: P, ...init: Rest<I>): Promise<Data<"get", P, I>> {
    return read(this.client.GET(path, ...(init as never)));
  }

  /** Adds, tries or changes: `await pulse.post("/api/config/nodes", { body })`. Throws a PulseError. */
  async post<P extends Path<"post">, I extends Init<"post", P>>(path: P, ...init: Rest<I>): Promise<Data<"post", P, I>> {
    return read(this.client.POST(path, ...(init as never)));
  }

  /** Changes: `await pulse.put("/api/config/nodes/{id}", { params: { path: { id } }, body })`. Throws a PulseError. */
  async put<P extends Path<"put">, I extends Init<"put", P>>(path: P, ...init: Rest<I>): Promise<Data<"put", P, I>> {
    return read(this.client.PUT(path, ...(init as never)));
  }

  /** Removes: `await pulse.delete("/api/config/nodes/{id}", { params: { path: { id } } })`. Throws a PulseError. */
  async delete<P extends Path<"delete">, I extends Init<"delete", P>>(
    path: P,
    ...init: Rest<I>
  ): Promise<Data<"delete", P, I>> {
    return read(this.client.DELETE(path, ...(init as never)));
  }

  /**
   * Follows everything that is observed over a WebSocket, and gives each message to receive. The socket is the caller's:
   * to listen for its end, to send a StreamRequest as JSON, and to close. Where there is no global WebSocket, as in Node
   * before 22, give one.
   */
  stream(receive: (message: StreamMessage) => void, Socket: typeof WebSocket = WebSocket): WebSocket {
    const url = new URL(`${this.#url}/ws`, globalThis.location?.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.#token) url.searchParams.set("token", this.#token);
    const socket = new Socket(url);
    socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
    return socket;
  }
}

/** The data of an answer. Only one without a body has none, and that is told to those alone who asked with an ETag. */
async function read<T>(answer: Promise<{ data?: unknown; response: Response }>): Promise<T> {
  const { data, response } = await answer;
  if (data === undefined) throw new PulseError(response, {});
  return data as T;
}
