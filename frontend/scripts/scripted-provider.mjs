// A provider for the pictures: OpenAI's Responses and Anthropic's Messages over real sockets, at a human pace.
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/**
 * `answers` by model, in the order they are given, the last one again and again: `{think?, say, seconds, tokens, isHeld?}`.
 * One that is held says its words and never ends.
 */
export class ScriptedProvider {
  #answers;
  #image = Buffer.alloc(0);
  #server = createServer((request, response) => void this.#serve(request, response));

  constructor(answers) {
    this.#answers = new Map(Object.entries(answers).map(([model, list]) => [model, [...list]]));
  }

  /** From now on `model` gives these answers. */
  script(model, answers) {
    this.#answers.set(model, [...answers]);
  }

  /** From now on this PNG is what images are. */
  paint(image) {
    this.#image = image;
  }

  async start() {
    await new Promise(resolve => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request, response) {
    const isAnthropic = request.url.startsWith("/anthropic");
    if (request.method === "GET") {
      const data = [...this.#answers.keys()]
        .filter(model => model.startsWith("claude") === isAnthropic)
        .map(id => ({ id, type: "model", object: "model", display_name: id, created: 0 }));
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ object: "list", data, has_more: false }));
      return;
    }
    let body = "";
    for await (const piece of request) body += piece;
    const { model } = JSON.parse(body);
    if (request.url.endsWith("/images/generations")) {
      const usage = { input_tokens: 14, output_tokens: 1_056, total_tokens: 1_070 };
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ created: 0, data: [{ b64_json: this.#image.toString("base64") }], usage }));
      return;
    }
    const answers = this.#answers.get(model) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    response.setHeader("Content-Type", "text/event-stream");
    const send = (type, data) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    const dialect = isAnthropic ? anthropic(send, model, answer) : openai(send, model, answer);
    await pause((answer.seconds ?? 1) * 100);
    dialect.begin();
    const words = [...pieces("think", answer.think), ...pieces("say", answer.say)];
    // By the clock and not from pause to pause: timers are late, and lateness would add up.
    const start = performance.now();
    for (const [index, [kind, text]] of words.entries()) {
      dialect[kind](text);
      const due = start + ((answer.seconds ?? 1) * 1000 * (index + 1)) / words.length;
      if (due > performance.now()) await pause(due - performance.now());
    }
    if (answer.isHeld) return;
    dialect.end();
    response.end();
  }
}

function pieces(kind, text = "") {
  return (text.match(/\s*\S+\s*?/g) ?? []).map(piece => [kind, piece]);
}

function anthropic(send, model, { tokens }) {
  let open = null;
  let index = -1;
  const enter = type => {
    if (open === type) return;
    leave();
    open = type;
    index += 1;
    const empty = type === "thinking" ? { thinking: "", signature: "" } : { text: "" };
    send("content_block_start", { index, content_block: { type, ...empty } });
  };
  const leave = () => open && send("content_block_stop", { index });
  const usage = { input_tokens: tokens.input, output_tokens: 1 };
  return {
    begin: () =>
      send("message_start", { message: { id: "msg", type: "message", role: "assistant", model, content: [], usage } }),
    think: thinking => {
      enter("thinking");
      send("content_block_delta", { index, delta: { type: "thinking_delta", thinking } });
    },
    say: text => {
      enter("text");
      send("content_block_delta", { index, delta: { type: "text_delta", text } });
    },
    end: () => {
      leave();
      send("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: tokens.output } });
      send("message_stop", {});
    },
  };
}

function openai(send, model, { tokens }) {
  const response = { id: "resp", object: "response", model, status: "in_progress", output: [] };
  return {
    begin: () => send("response.created", { response }),
    think: delta => send("response.reasoning_summary_text.delta", { output_index: 0, summary_index: 0, delta }),
    say: delta => send("response.output_text.delta", { output_index: 1, content_index: 0, delta }),
    end: () =>
      send("response.completed", {
        response: {
          ...response,
          status: "completed",
          usage: {
            input_tokens: tokens.input,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: tokens.output,
            output_tokens_details: { reasoning_tokens: tokens.reasoning ?? 0 },
          },
        },
      }),
  };
}
