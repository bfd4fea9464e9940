import { describe, expect, test } from "vitest";
import { type ServerSentEvent, SSEDecoder } from "./sse-decoder.ts";

const STREAM = [
  "\uFEFF: heartbeat\n\n",
  'id: 1\nevent: start\ndata: {"message_id":"m"}\n\n',
  'id: 2\r\nevent: delta\r\ndata: {"text":"Zoë 🦀"}\r\n\r\n',
  "id: 3\revent: delta\rdata:one\rdata: two\r\r",
  "event: usage\ndata\n\n",
  "id: nul\0\nunknown: x\nno colon\ndata: kept id\n\n",
  "event: lost\n\n",
  "data: never dispatched",
].join("");

const EXPECTED: ServerSentEvent[] = [
  { id: "1", event: "start", data: '{"message_id":"m"}' },
  { id: "2", event: "delta", data: '{"text":"Zoë 🦀"}' },
  { id: "3", event: "delta", data: "one\ntwo" },
  { id: "3", event: "usage", data: "" },
  { id: "3", event: "message", data: "kept id" },
];

const BYTES = new TextEncoder().encode(STREAM);

function decode(pieces: Iterable<Uint8Array>): ServerSentEvent[] {
  const decoder = new SSEDecoder();
  return [...pieces].flatMap(piece => decoder.feed(piece));
}

describe("SSEDecoder", () => {
  test("reads a whole stream", () => expect(decode([BYTES])).toEqual(EXPECTED));

  test("reads the same split at every byte", () => {
    for (let at = 0; at <= BYTES.length; at++) {
      expect(decode([BYTES.subarray(0, at), BYTES.subarray(at)]), `split at ${at}`).toEqual(EXPECTED);
    }
    expect(decode(Array.from(BYTES, byte => Uint8Array.of(byte)))).toEqual(EXPECTED);
  });

  test("reads the same in random pieces", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    for (let round = 0; round < 300; round++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < BYTES.length; ) {
        const end = at + Math.floor(random() * 9);
        pieces.push(BYTES.subarray(at, end));
        at = end;
      }
      expect(decode(pieces), `round ${round}`).toEqual(EXPECTED);
    }
  });
});
