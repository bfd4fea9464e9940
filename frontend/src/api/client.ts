/**
 * The server's API, one method an endpoint. Knows paths, headers and the error body.
 *
 * Knows nothing of state, retries or the screen. A failure is an `ApiError` when the server answered and a
 * `NetworkError` when nothing came back; an abort by the caller stays an `AbortError`.
 */

import type {
  Catalog,
  ChatBody,
  Conversation,
  ConversationPage,
  ConversationWithMessages,
  ErrorValue,
  Health,
  ImageBody,
  Message,
  RetryBody,
  Submitted,
  UsageSummary,
} from "./types.ts";

export class ApiError extends Error {
  readonly status: number;
  readonly error: ErrorValue;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, error: ErrorValue, retryAfterSeconds: number | null = null) {
    super(error.message);
    this.name = "ApiError";
    this.status = status;
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class NetworkError extends Error {
  constructor(cause: unknown) {
    super("the server can't be reached", { cause });
    this.name = "NetworkError";
  }
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface RequestOptions {
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Goes through although the page is left. */
  keepalive?: boolean;
}

/** How long an answer is waited for where the caller has no signal of its own: a line may swallow all and say nothing. */
const PATIENCE_MS = 30_000;

export class ApiClient {
  readonly #fetch: Fetch;
  readonly #deviceId: string;
  readonly #patienceMs: number;

  constructor(fetch: Fetch, deviceId: string, patienceMs = PATIENCE_MS) {
    this.#fetch = fetch;
    this.#deviceId = deviceId;
    this.#patienceMs = patienceMs;
  }

  /** A degraded server answers 503 with the same body, and what it says is worth showing. */
  async health(options?: RequestOptions): Promise<Health> {
    const response = await this.#send("GET", "/health", undefined, options);
    if (!response.ok && response.status !== 503) throw await readError(response);
    return (await response.json()) as Health;
  }

  models(options?: RequestOptions): Promise<Catalog> {
    return this.#json("GET", "/api/usage/models", undefined, options);
  }

  /** All that was spent, or what was since a moment. */
  usage(since: Date | null = null, options?: RequestOptions): Promise<UsageSummary> {
    const query = new URLSearchParams({ scope: "overall", ...(since ? { since: since.toISOString() } : {}) });
    return this.#json("GET", `/api/usage/summary?${query}`, undefined, options);
  }

  conversations(cursor: string | null, limit = 50, options?: RequestOptions): Promise<ConversationPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
    return this.#json("GET", `/api/conversations?${query}`, undefined, options);
  }

  conversation(id: string, options?: RequestOptions): Promise<ConversationWithMessages> {
    return this.#json("GET", `/api/conversations/${encodeURIComponent(id)}`, undefined, options);
  }

  createConversation(body: {
    title?: string;
    model?: string;
    system_prompt?: string;
  }): Promise<ConversationWithMessages> {
    return this.#json("POST", "/api/conversations", body);
  }

  updateConversation(
    id: string,
    body: { title?: string; model?: string; active_leaf_id?: string },
  ): Promise<Conversation> {
    // What was chosen holds, though the page is left at once.
    return this.#json("PATCH", `/api/conversations/${encodeURIComponent(id)}`, body, { keepalive: true });
  }

  async deleteConversation(id: string, options?: RequestOptions): Promise<void> {
    await this.#checked("DELETE", `/api/conversations/${encodeURIComponent(id)}`, undefined, options);
  }

  cloneConversation(id: string, messageId?: string): Promise<ConversationWithMessages> {
    const body = messageId ? { message_id: messageId } : {};
    return this.#json("POST", `/api/conversations/${encodeURIComponent(id)}/clone`, body);
  }

  appendSystemText(id: string, systemText: string): Promise<Conversation> {
    return this.#json("POST", `/api/conversations/${encodeURIComponent(id)}/system`, { system_text: systemText });
  }

  message(id: string, options?: RequestOptions): Promise<Message> {
    return this.#json("GET", `/api/messages/${encodeURIComponent(id)}`, undefined, options);
  }

  stop(messageId: string): Promise<Message> {
    return this.#json("POST", `/api/messages/${encodeURIComponent(messageId)}/stop`, {});
  }

  /** Asks for another answer beside `messageId`, or for one to a prompt. The same key never pays twice. */
  retry(messageId: string, body: RetryBody, idempotencyKey: string, options: RequestOptions = {}): Promise<Submitted> {
    const path = `/api/messages/${encodeURIComponent(messageId)}/retry`;
    return this.#json("POST", path, body, withHeader(options, "Idempotency-Key", idempotencyKey));
  }

  /** Asks for an image without waiting for it: it is an answer like others. The same key never pays twice. */
  generateImage(body: ImageBody, idempotencyKey: string, options: RequestOptions = {}): Promise<Submitted> {
    const keyed = withHeader(options, "Idempotency-Key", idempotencyKey);
    return this.#json("POST", "/api/images/generate", body, withHeader(keyed, "Prefer", "respond-async"));
  }

  /** Sends a prompt and opens the stream of its answer. The same key never pays twice. */
  chatStream(body: ChatBody, idempotencyKey: string, options: RequestOptions = {}): Promise<Response> {
    return this.#checked("POST", "/api/chat/stream", body, withHeader(options, "Idempotency-Key", idempotencyKey));
  }

  /** Sends a prompt without waiting for its answer, for networks that let no stream through. */
  chatSubmit(body: ChatBody, idempotencyKey: string, options: RequestOptions = {}): Promise<Submitted> {
    return this.#json("POST", "/api/chat/submit", body, withHeader(options, "Idempotency-Key", idempotencyKey));
  }

  /** Opens the stream of an answer after event `after`; null when there is nothing after it. */
  async messageStream(id: string, after: number, options: RequestOptions = {}): Promise<Response | null> {
    const path = `/api/messages/${encodeURIComponent(id)}/stream`;
    const response = await this.#checked("GET", path, undefined, withHeader(options, "Last-Event-ID", String(after)));
    return response.status === 204 ? null : response;
  }

  /** Opens the stream of what changed after event `after`; null where nothing was heard yet. */
  changes(after: number | null, options: RequestOptions = {}): Promise<Response> {
    const known = after === null ? options : withHeader(options, "Last-Event-ID", String(after));
    return this.#checked("GET", "/api/events", undefined, known);
  }

  /** Any other endpoint: what a screen asks that is fetched when it is opened. */
  request<T>(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<T> {
    return this.#json(method, path, body, options);
  }

  async #json<T>(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<T> {
    const response = await this.#checked(method, path, body, options);
    if (response.status === 204) return undefined as T;
    try {
      return (await response.json()) as T;
    } catch (cause) {
      if (isAbort(cause)) throw cause;
      throw new NetworkError(cause); // cut in the middle, or not our server
    }
  }

  async #checked(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Response> {
    const response = await this.#send(method, path, body, options);
    if (!response.ok) throw await readError(response);
    return response;
  }

  async #send(method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<Response> {
    const headers: Record<string, string> = { "X-Device-ID": this.#deviceId, ...options.headers };
    const signal = options.signal ?? AbortSignal.timeout(this.#patienceMs);
    const init: RequestInit = { method, headers, signal, cache: "no-store", credentials: "same-origin" };
    if (options.keepalive) init.keepalive = true;
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    try {
      return await this.#fetch(path, init);
    } catch (cause) {
      if (isAbort(cause)) throw cause;
      throw new NetworkError(cause);
    }
  }
}

export function isAbort(error: unknown): boolean {
  return typeof error === "object" && error !== null && "name" in error && error.name === "AbortError";
}

/** Any failure as the one error value. */
export function toErrorValue(error: unknown): ErrorValue {
  if (error instanceof ApiError) return error.error;
  if (error instanceof NetworkError) return { type: "network", message: error.message };
  return { type: "internal", message: error instanceof Error ? error.message : String(error) };
}

async function readError(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After"));
  const seconds = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null;
  let error: ErrorValue | undefined;
  try {
    error = ((await response.json()) as { error?: ErrorValue }).error;
  } catch {
    // A proxy's own page, or nothing: the status is all there is.
  }
  return new ApiError(
    response.status,
    error?.message ? error : { type: "http", message: `the server answered ${response.status} and did not say why` },
    seconds,
  );
}

function withHeader(options: RequestOptions, name: string, value: string): RequestOptions {
  return { ...options, headers: { ...options.headers, [name]: value } };
}
