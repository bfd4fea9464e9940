/** The values of the HTTP API, as docs/events.md describes them. Types only; names are the server's own. */

export type Role = "user" | "assistant";
export type MessageStatus = "pending" | "streaming" | "complete" | "stopped" | "interrupted" | "error";
export type CostStatus = "exact" | "bounded" | "estimated" | "unpriced";
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "cancelled" | "error";

export interface ErrorValue {
  type: string;
  message: string;
  details?: Record<string, unknown>;
}

export type Part =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; id: string; name: string; arguments: string }
  | { type: "image"; image_id: string; media_type: string; url: string };

export interface UsageCounts {
  tokens_input: number | null;
  tokens_output: number | null;
  tokens_cache_read: number | null;
  tokens_cache_write: number | null;
  tokens_reasoning: number | null;
  cost: number | null;
  cost_status: CostStatus | null;
}

export interface Message extends UsageCounts {
  id: string;
  conversation_id: string;
  parent_id: string | null;
  role: Role;
  content: string;
  parts: Part[];
  status: MessageStatus;
  model: string | null;
  provider: string | null;
  response_model: string | null;
  temperature: number | null;
  reasoning: string | null;
  finish_reason: FinishReason | null;
  error: ErrorValue | null;
  time_to_first_chunk: number | null;
  duration: number | null;
  created_at: string;
}

export interface Conversation {
  id: string;
  title: string;
  model: string | null;
  system_prompt: string | null;
  device_id: string | null;
  active_leaf_id: string | null;
  created_at: string;
  updated_at: string;
  cost: number | null;
  message_count: number;
  is_live: boolean;
}

export interface ConversationWithMessages extends Conversation {
  messages: Message[];
}

export interface ConversationPage {
  conversations: Conversation[];
  next_cursor: string | null;
}

export interface Health {
  status: "ok" | "degraded";
  version: string;
  database: { writable: boolean; path: string; reason?: string };
  providers: { name: string; provider: string; configured: boolean; detail?: string }[];
}

export interface ModelPrice {
  input: number | null;
  output: number | null;
  cache_read: number | null;
  cache_write: number | null;
}

export interface Model {
  id: string;
  label: string;
  provider: string;
  connection: string;
  available: boolean;
  unavailable_reason: string | null;
  context_window: number | null;
  max_output_tokens: number | null;
  supports_temperature: boolean | null;
  supports_vision: boolean | null;
  supports_tools: boolean | null;
  reasoning_levels: string[] | null;
  generates_images: boolean;
  is_demo: boolean;
  price: ModelPrice | null;
  sources: Record<string, "live" | "bundled" | "configured" | "assumed">;
}

export interface Connection {
  name: string;
  provider: string;
  configured: boolean;
  list: "live" | "bundled" | "configured";
  error?: string;
}

export interface Catalog {
  defaults: { chat: string | null; image: string | null };
  connections: Connection[];
  models: Model[];
}

export interface UsageTotals {
  requests: number;
  failed: number;
  unpriced: number;
  estimated: number;
  tokens_input: number;
  tokens_output: number;
  tokens_cache_read: number;
  tokens_cache_write: number;
  tokens_reasoning: number;
  cost: number | null;
}

export interface UsageSummary {
  scope: "overall" | "device";
  device_id?: string;
  totals: UsageTotals;
  by_model: (UsageTotals & { model: string; provider: string })[];
}

/** The body of a prompt. */
export interface ChatBody {
  message: string;
  conversation_id?: string;
  parent_id?: string | null;
  model?: string;
  temperature?: number;
  reasoning?: string;
  max_tokens?: number;
  system_text?: string;
}

export interface RetryBody {
  model?: string;
  temperature?: number;
  reasoning?: string;
}

export interface Submitted {
  conversation_id: string;
  user_message_id: string;
  message_id: string;
  status: MessageStatus;
}

export interface ImageBody {
  prompt: string;
  model?: string;
  size?: string;
  quality?: string;
  conversation_id?: string;
}

export interface GeneratedImage {
  conversation_id: string;
  user_message_id: string;
  message: Message;
  image: { id: string; url: string; media_type: string; model: string; revised_prompt: string | null };
}

/** The events of one answer's stream, by name. */
export interface StreamEventData {
  start: { conversation_id: string; user_message_id: string; message_id: string; model: string };
  delta: { text: string };
  reasoning: { text: string };
  notice: { text: string };
  usage: UsageCounts;
  done: { message: Message };
  error: { error: ErrorValue; message: Message };
}

export type StreamEvent = {
  [Name in keyof StreamEventData]: { id: number; event: Name; data: StreamEventData[Name] };
}[keyof StreamEventData];
