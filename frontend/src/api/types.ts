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
  /** How long it thought; null where it did not, or where that is not known. */
  reasoning_duration?: number | null;
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

/** Dollars per million tokens, per thousand searches, per thousand requests. */
export interface Rates {
  input: number | null;
  output: number | null;
  cache_read: number | null;
  cache_write: number | null;
  cache_write_1h?: number | null;
  input_audio?: number | null;
  output_audio?: number | null;
  input_image?: number | null;
  output_image?: number | null;
  web_search?: number | null;
  request?: number | null;
}

export type Source = "live" | "bundled" | "configured" | "assumed";

export interface ModelPrice extends Rates {
  source?: Source;
  /** The day of the bundled list, or how else the price is known. */
  version?: string;
  /** From so many tokens on the whole request is charged at these rates. */
  tiers?: (Rates & { above: number })[];
  variants?: (Rates & { when: Record<string, string> })[];
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
  sources: Record<string, Source>;
}

export interface Connection {
  name: string;
  provider: string;
  configured: boolean;
  list: "live" | "bundled" | "configured";
  listed_at?: string | null;
  error?: string;
}

export interface Catalog {
  prices_version?: string;
  defaults: { chat: string | null; image: string | null };
  connections: Connection[];
  models: Model[];
}

export interface UsageTotals {
  requests: number;
  failed: number;
  /** How many calls have an exact cost, and so on. */
  exact?: number;
  bounded?: number;
  estimated: number;
  unpriced: number;
  tokens_input: number;
  tokens_output: number;
  tokens_cache_read: number;
  tokens_cache_write: number;
  tokens_reasoning: number;
  web_searches?: number;
  /** Of the calls whose cost is known; null where none of them is. */
  cost: number | null;
}

export interface UsageSummary {
  scope: "overall" | "device";
  device_id?: string | null;
  since?: string | null;
  until?: string | null;
  totals: UsageTotals;
  by_model: (UsageTotals & { model: string; provider: string })[];
  by_provider?: (UsageTotals & { provider: string; connection?: string })[];
  by_device?: (UsageTotals & { device_id: string | null; name: string | null })[];
  by_source?: (UsageTotals & { source: string })[];
}

export type SeriesBy = "model" | "provider" | "device" | "source";
export type Bucket = "hour" | "day" | "month";

export interface SeriesBucket {
  start: string;
  totals: UsageTotals;
  parts: (UsageTotals & { key: string | null; name: string | null })[];
}

export interface UsageSeries {
  bucket: Bucket;
  by: SeriesBy;
  since: string | null;
  until: string | null;
  time_zone: string;
  buckets: SeriesBucket[];
}

export interface UsageLog extends UsageCounts {
  id: string;
  timestamp: string;
  model: string;
  provider: string;
  connection: string;
  device_id: string | null;
  device_name: string | null;
  source: string;
  conversation_id: string | null;
  operation_name: string;
  status: "complete" | "cancelled" | "error";
  error_type: string | null;
  price_version: string | null;
  time_to_first_chunk: number | null;
  duration: number | null;
}

export interface UsageLogPage {
  logs: UsageLog[];
  next_cursor: string | null;
}

export interface Device {
  id: string;
  name: string;
  created_at: string;
  last_seen_at: string;
  is_current: boolean;
}

export type BudgetScope = "overall" | "device" | "model";
export type BudgetPeriod = "day" | "month";

export interface Budget {
  id: string;
  period: BudgetPeriod;
  scope: BudgetScope;
  /** A device or a model; null means each of them for itself. */
  subject: string | null;
  limit: number;
  status: { subject: string | null; spent: number; reserved: number; unpriced: number; resets_at: string }[];
}

export interface BudgetBody {
  period: BudgetPeriod;
  scope: BudgetScope;
  subject?: string;
  limit: number;
}

/** What the next prompt would cost. Nothing is sent to anyone for it. */
export interface Estimate {
  tokens_input: { likely: number; low: number; high: number };
  basis: "counted" | "reported";
  models: {
    model: string;
    available: boolean;
    context_window: number | null;
    fits: boolean | null;
    tokens_input: number;
    tokens_cache_read: number;
    cost: { likely: number; low: number; high: number } | null;
    /** Of `cost`, what is sent. */
    cost_input?: { likely: number; low: number; high: number } | null;
    reason?: string;
  }[];
  budgets: { budget_id: string; remaining: number }[];
}

export interface EstimateBody {
  message: string;
  models?: string[];
  conversation_id?: string;
  parent_id?: string | null;
  reasoning?: string;
}

export interface StoredImage {
  id: string;
  url: string;
  media_type: string;
  model: string | null;
  prompt: string;
  conversation_id: string | null;
  message_id: string | null;
  cost: number | null;
  cost_status: CostStatus | null;
  created_at: string;
}

export interface ImagePage {
  images: StoredImage[];
  next_cursor: string | null;
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
  /** Lets this one through whatever the budgets say. */
  budget_override?: true;
}

export interface RetryBody {
  model?: string;
  temperature?: number;
  reasoning?: string;
  budget_override?: true;
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
  parent_id?: string | null;
  budget_override?: true;
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

/** What happened to the owner's conversations and answers, by name. */
export interface ChangeEventData {
  conversation_created: { conversation_id: string };
  conversation_updated: { conversation_id: string };
  conversation_deleted: { conversation_id: string };
  message_started: { conversation_id: string; message_id: string; status: MessageStatus };
  message_finished: { conversation_id: string; message_id: string; status: MessageStatus };
  reset: Record<string, never>;
}

export type Change = {
  [Name in keyof ChangeEventData]: { event: Name; data: ChangeEventData[Name] };
}[keyof ChangeEventData];

export type ChangeEvent = Change & { id: number };
