/**
 * The body of an event stream, as typed events. Knows the framing and JSON; not what the events do.
 *
 * `onBytes` tells of every piece that arrives, heartbeats included: the one sign that the line is alive.
 * The iteration ends when the server closes; whether that was the end is the reader's to see.
 */

import { SSEDecoder } from "../lib/sse-decoder.ts";
import { isAbort, NetworkError } from "./client.ts";

export interface ServerEvent {
  id: number;
  event: string;
  data: unknown;
}

/** `Event` is what docs/events.md promises of the address that was asked. */
export async function* readEvents<Event extends ServerEvent>(
  response: Response,
  onBytes: () => void,
): AsyncGenerator<Event> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new SSEDecoder();
  try {
    for (;;) {
      const { done, value } = await read(reader);
      if (done) return;
      onBytes();
      for (const { event, data, id } of decoder.feed(value)) {
        yield { id: Number(id), event, data: JSON.parse(data) } as Event;
      }
    }
  } finally {
    // Whoever leaves early closes the line; on a line that broke this has nothing left to do.
    await reader.cancel().catch(() => undefined);
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    throw new NetworkError(cause);
  }
}
