// Calls every operation of the document with the TypeScript client, without the token and then with it, and prints what
// came of each. The argument is JSON: the address, the token, and a node to add.
import { Pulse, PulseError, type NodeDraft, type operations, type StreamMessage } from "@proxpulse/client";

declare const process: { argv: string[] }; // Node's

interface Site {
  url: string;
  token: string;
  draft: NodeDraft;
}

interface Outcome {
  operation: string;
  status?: number;
  message?: string;
  details?: readonly { location: string; message: string }[];
}

const site: Site = JSON.parse(process.argv[2] ?? "{}");
const id = { params: { path: { id: "pve-0" } } };

/** How each operation is called, in an order in which each can succeed. The compiler misses one that is not here. */
const calls: Record<keyof operations, (pulse: Pulse) => Promise<unknown>> = {
  "get-health": (pulse) => pulse.get("/api/health"),
  "get-ready": async (pulse) => expect((await pulse.get("/api/ready")).ready, true),
  "get-version": (pulse) => pulse.get("/api/version"),
  "get-security-status": async (pulse) => expect((await pulse.get("/api/security/status")).requiresAuth, true),
  "get-config": (pulse) => pulse.get("/api/config"),
  "update-system-settings": (pulse) => pulse.put("/api/config/system", { body: { pollingInterval: 2 } }),
  "post-system-settings": (pulse) => pulse.post("/api/config/system", { body: { pollingInterval: 2 } }),
  "get-system-settings": async (pulse) => expect((await pulse.get("/api/config/system")).pollingInterval, 2),
  "test-connection": (pulse) => pulse.post("/api/config/nodes/test-connection", { body: site.draft }),
  "test-config": (pulse) => pulse.post("/api/config/nodes/test-config", { body: site.draft }),
  "add-node": async (pulse) => expect((await pulse.post("/api/config/nodes", { body: site.draft })).id, "pve-0"),
  "list-nodes": async (pulse) => expect((await pulse.get("/api/config/nodes"))?.[0]?.name, "home"),
  "test-node": (pulse) => pulse.post("/api/config/nodes/{id}/test", id),
  "update-node": (pulse) => pulse.put("/api/config/nodes/{id}", { ...id, body: { monitorBackups: true } }),
  "get-state": awaitState,
  "list-storage": (pulse) => pulse.get("/api/storage"),
  "get-storage": readStorage,
  "get-diagnostics": (pulse) => pulse.get("/api/diagnostics"),
  discover: async (pulse) => expect((await pulse.get("/api/discover")).servers.length, 1),
  "get-openapi-json": async (pulse) => expect((await pulse.get("/api/openapi.json"))["openapi"], "3.1.0"),
  "get-openapi-yaml": async (pulse) => {
    const text: string = await pulse.get("/api/openapi.yaml", { parseAs: "text" });
    expect(text.includes("openapi: 3.1.0"), true);
  },
  stream: followStream,
  "delete-node": (pulse) => pulse.delete("/api/config/nodes/{id}", id),
};

function expect<T>(got: T, want: T): void {
  if (got !== want) throw new Error(`got ${String(got)}, want ${String(want)}`);
}

/** Reads the state until the estate is in it. */
async function awaitState(pulse: Pulse): Promise<void> {
  for (;;) {
    const { vms, containers } = await pulse.get("/api/state");
    if (vms.length + containers.length === 3) return;
  }
}

/** Reads the storages of a node, and then the first of them. */
async function readStorage(pulse: Pulse): Promise<void> {
  const { data: list } = await pulse.get("/api/storage/{id}", id);
  if (!Array.isArray(list) || !list[0]) throw new Error("the node has no storages");
  const { data: one } = await pulse.get("/api/storage/{id}", { params: { path: { id: list[0].uid } } });
  if (Array.isArray(one)) throw new Error("a storage is answered with a list");
  expect(one.name, list[0].name);
}

/** Reads the first messages of a stream, and an answer to its own. A refused socket does not say why. */
async function followStream(pulse: Pulse): Promise<void> {
  const wanted: StreamMessage["type"][] = ["welcome", "initialState", "pong"];
  await new Promise<void>((resolve, reject) => {
    const socket = pulse.stream((message) => {
      if (message.type === "initialState") expect(Array.isArray(message.data.nodes), true);
      if (message.type === wanted[0]) wanted.shift();
      if (wanted.length === 0) resolve(socket.close());
    });
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "ping" })));
    socket.addEventListener("error", () => reject(new Error("the stream was refused")));
  });
}

async function outcomeOf(operation: string, call: Promise<unknown>): Promise<Outcome> {
  try {
    await call;
    return { operation };
  } catch (error) {
    if (error instanceof PulseError) {
      expect(error.requestId === undefined, false);
      const { status, message, details } = error;
      return { operation, status, message, ...(details.length > 0 && { details }) };
    }
    return { operation, message: String(error) };
  }
}

async function callAll(pulse: Pulse): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [operation, call] of Object.entries(calls)) outcomes.push(await outcomeOf(operation, call(pulse)));
  return outcomes;
}

const without = await callAll(new Pulse({ url: site.url }));
const pulse = new Pulse({ url: `${site.url}/`, token: site.token });
const withToken = await callAll(pulse);
const gone = { params: { path: { id: "pve-77" } } };
const missing = await outcomeOf("delete-node", pulse.delete("/api/config/nodes/{id}", gone));
const invalid = await outcomeOf("add-node", pulse.post("/api/config/nodes", { body: { type: "pve", host: "" } }));
const known = { params: { header: { "If-None-Match": "*" } } };
const unmodified = await outcomeOf("list-storage", pulse.get("/api/storage", known));
const bad = new Pulse({
  url: "http://pulse.invalid",
  fetch: async () => new Response("<html>", { status: 502, statusText: "Bad Gateway", headers: { "Retry-After": "12", "X-Request-Id": "a" } }),
});
const between = await outcomeOf("get-health", bad.get("/api/health"));
const patience = await bad.get("/api/health").catch((error: PulseError) => error.retryAfter);
const refused = { ...site.draft, host: "https://127.0.0.1:1" };
const stage = await pulse
  .post("/api/config/nodes/test-connection", { body: refused })
  .catch((error: PulseError) => error.failure?.stage);
const raw = await pulse.client.GET("/api/storage", known);
expect(raw.response.status, 304);
console.log(JSON.stringify({ without, with: withToken, missing, invalid, unmodified, between, patience, stage }));
