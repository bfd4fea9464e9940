/**
 * LLM Router as its owner runs it, and the provider of the Python tests that does as it is told: real processes.
 *
 * Knows how to start, wait for, ask and end them. Knows nothing of the browser.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bin = (name: string) => join(root, ".venv/bin", name);

export type Environ = Readonly<Record<string, string>>;

/** Waits for a line of the process that fits, and keeps reading. */
function heard(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = "";
    const read = (data: Buffer) => {
      log += data;
      const found = pattern.exec(log)?.[1];
      if (found) resolve(found);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", code => reject(new Error(`it ended with ${code}:\n${log}`)));
    child.once("error", reject);
  });
}

async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, "exit");
  child.kill(signal);
  await over;
}

/** `llm-router serve` in a folder of its own. It takes a free port, and the same again when it is started again. */
export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), "llm-router-e2e-"));
  readonly #environ: Environ;
  #child: ChildProcess | null = null;
  #port = "0";

  constructor(environ: Environ, configuration = "") {
    this.#environ = environ;
    writeFileSync(join(this.folder, "llm-router.toml"), configuration);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<this> {
    const env = { PATH: process.env.PATH ?? "", ...this.#environ, PORT: this.#port };
    this.#child = spawn(bin("llm-router"), ["serve"], { cwd: this.folder, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#port = new URL(await heard(this.#child, /running on (http:\S+)/)).port;
    return this;
  }

  /** Waits until so many pieces of answers are on its disk, where a kill can't take them any more. */
  async hasKept(pieces: number): Promise<void> {
    const count = "select count(*) from message_chunks where name = 'delta'";
    const script = `import sqlite3, sys, time
while sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("${count}").fetchone()[0] < ${pieces}: time.sleep(0.01)`;
    const child = spawn(bin("python"), ["-c", script, join(this.folder, "data/llm-router.db")], { stdio: "inherit" });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error("the database can't be read");
  }

  /** Takes it away between two instructions. */
  kill(): Promise<void> {
    return end(this.#child, "SIGKILL");
  }

  async close(): Promise<void> {
    await end(this.#child, "SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The line between a page and its server, to be cut and mended: a browser's own "offline" leaves open streams alone. */
export class Line {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: NetServer | null = null;
  #port = 0;

  constructor(url: string) {
    this.#target = Number(new URL(url).port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async mend(): Promise<this> {
    const server = createServer(near => {
      const far = connect(this.#target, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => this.#sockets.delete(from));
        from.pipe(to);
      }
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const over = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await over;
  }
}

/** `python -m tests.fake_provider`: see there for the scenarios that a model's name chooses. */
export class FakeProvider {
  readonly url: string;
  readonly #child: ChildProcess | null;

  constructor(url: string, child: ChildProcess | null = null) {
    this.url = url;
    this.#child = child;
  }

  static async start(): Promise<FakeProvider> {
    const child = spawn(bin("python"), ["-m", "tests.fake_provider", "--port", "0"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new FakeProvider(await heard(child, /(http:\S+)/), child);
  }

  /** From now on requests for `model` get these scenarios, one after the other; the last one repeats. */
  async script(model: string, ...scenarios: string[]): Promise<void> {
    await this.#control("script", { model, scenarios });
  }

  /** Lets `count` gates of `model` pass, also ones not reached yet; null opens them for ever. */
  async release(model: string, count: number | null = 1): Promise<void> {
    await this.#control("release", { model, count });
  }

  /** How often `model` was asked. */
  async timesAsked(model: string): Promise<number> {
    const answer = await fetch(`${this.url}/control/requests`);
    const { requests } = (await answer.json()) as { requests: { model: string }[] };
    return requests.filter(request => request.model === model).length;
  }

  close(): Promise<void> {
    return end(this.#child, "SIGTERM");
  }

  async #control(what: string, body: unknown): Promise<void> {
    const answer = await fetch(`${this.url}/control/${what}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
  }
}
