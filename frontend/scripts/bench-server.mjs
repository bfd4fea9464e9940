// A real server for the measurements, in a folder of its own, and big conversations written into its database.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = name => join(root, ".venv/bin", name);

export class BenchServer {
  #folder = mkdtempSync(join(tmpdir(), "llm-router-bench-"));
  #child;
  url = "";

  /** `providerUrl` is where OpenAI's models are asked for. */
  async start(providerUrl) {
    this.#child = spawn(bin("llm-router"), ["serve"], {
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env.PATH,
        PYTHONPATH: join(root, "src"),
        PORT: "0",
        LOCAL_MODEL: "off",
        OPENAI_API_KEY: "sk-bench",
        OPENAI_BASE_URL: `${providerUrl}/openai/v1`,
      },
    });
    this.url = await this.#address();
    return this;
  }

  /** Writes `conversations` of `messages` messages each into the real tables; returns the ids, newest first. */
  seed(conversations, messages) {
    const script = join(root, "benchmarks/seed_conversations.py");
    const database = join(this.#folder, "data/llm-router.db");
    const ids = execFileSync(bin("python"), [script, database, String(conversations), String(messages)], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, PYTHONPATH: join(root, "src") },
    });
    return ids.trim().split("\n");
  }

  async close() {
    this.#child.kill();
    await once(this.#child, "exit");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #address() {
    return new Promise((resolve, reject) => {
      let log = "";
      this.#child.stderr.on("data", data => {
        log += data;
        const found = /running on (http:\S+)/.exec(log)?.[1];
        if (found) resolve(found);
      });
      this.#child.once("exit", () => reject(new Error(log)));
    });
  }
}
