/**
 * What stands between a page and its server, and is not as transparent as it should be: a proxy that serves another
 * build, holds streams back, or a line that breaks at random bytes. Real sockets.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createLine, type Server as NetServer } from "node:net";
import { onTestFinished } from "vitest";

/** A reverse proxy. */
export class Facade {
  /** Answers of its own, by path; null is a 502. */
  readonly own = new Map<string, { type: string; body: string } | null>();
  /** Whether answers are read to their end before any of it is passed on. */
  isHoldingBack = false;
  /** Whether it answers 502 for the server, whatever is asked. */
  isDown = false;
  readonly asked: string[] = [];
  readonly #target: URL;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((near, back) => this.#serve(near, back));
  }

  static async open(target: string): Promise<Facade> {
    const facade = new Facade(target);
    facade.#server.listen(0, "127.0.0.1");
    await once(facade.#server, "listening");
    onTestFinished(() => {
      facade.#server.closeAllConnections();
      facade.#server.close();
    });
    return facade;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #serve(near: IncomingMessage, back: ServerResponse): void {
    const path = near.url ?? "/";
    this.asked.push(path);
    const [plain = ""] = path.split("?");
    const own = this.own.get(plain);
    if (this.isDown || own === null)
      return void back.writeHead(502, { "Content-Type": "text/html" }).end("bad gateway");
    if (own) return void back.writeHead(200, { "Content-Type": own.type, "Cache-Control": "no-cache" }).end(own.body);
    const { hostname, port } = this.#target;
    const far = request({ hostname, port, path, method: near.method, headers: near.headers }, answer => {
      if (!this.isHoldingBack) {
        back.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(back);
        return;
      }
      const pieces: Buffer[] = [];
      answer.on("data", piece => pieces.push(piece));
      answer.on("end", () => back.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(pieces)));
    });
    far.on("error", () => back.destroy());
    back.on("close", () => far.destroy());
    near.pipe(far);
  }
}

/** Numbers in [0, 1) from a seed (mulberry32), so that a failure can be seen again. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A line that breaks connections after some bytes of what the server says, as often as it is told to. */
export class RoughLine {
  cutsToCome = 0;
  readonly #server: NetServer;

  private constructor(url: string, seed: number) {
    const target = Number(new URL(url).port);
    const next = random(seed);
    this.#server = createLine(near => {
      const far = connect(target, "127.0.0.1");
      let left = 900 + Math.floor(next() * 1_200);
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
      near.pipe(far);
      far.on("data", bytes => {
        if (this.cutsToCome === 0) return void near.write(bytes);
        if (bytes.length < left) {
          left -= bytes.length;
          near.write(bytes);
          return;
        }
        this.cutsToCome -= 1;
        near.end(bytes.subarray(0, left));
        far.destroy();
      });
    });
  }

  static async open(url: string, seed: number): Promise<RoughLine> {
    const line = new RoughLine(url, seed);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    onTestFinished(() => void line.#server.close());
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
