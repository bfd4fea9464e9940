/**
 * Bytes of `text/event-stream` to events, as the HTML standard describes it (section 9.2.6).
 *
 * Knows nothing of where the bytes come from, nor of what the data mean. Feed it any cut of the stream:
 * a cut inside a line, a line end or a character changes nothing.
 */

export interface ServerSentEvent {
  event: string;
  data: string;
  /** The last id seen so far; "" where there was none. */
  id: string;
}

export class SSEDecoder {
  #text = new TextDecoder("utf-8"); // drops a byte order mark by itself
  #line = "";
  #skipLineFeed = false;
  #event = "";
  #data: string[] = [];
  #id = "";

  feed(bytes: Uint8Array): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const text = this.#text.decode(bytes, { stream: true });
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text.charCodeAt(at);
      if (character !== 10 && character !== 13) {
        this.#skipLineFeed = false;
        continue;
      }
      if (character === 10 && this.#skipLineFeed) {
        // The second half of CR LF; the line ended at the first.
        this.#skipLineFeed = false;
        start = at + 1;
        continue;
      }
      this.#skipLineFeed = character === 13;
      const event = this.#endLine(this.#line + text.slice(start, at));
      if (event) events.push(event);
      this.#line = "";
      start = at + 1;
    }
    this.#line += text.slice(start);
    return events;
  }

  #endLine(line: string): ServerSentEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment: the heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch(): ServerSentEvent | null {
    const event = this.#event || "message";
    const data = this.#data;
    this.#event = "";
    this.#data = [];
    return data.length === 0 ? null : { event, data: data.join("\n"), id: this.#id };
  }
}
