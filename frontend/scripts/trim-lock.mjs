// Takes everything out of package-lock.json that is an address: where packages come from is the registry's
// business (.npmrc), and who may be paid for them does not change what is installed.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
for (const entry of Object.values(lock.packages)) {
  for (const field of ["funding", "resolved", "deprecated"]) delete entry[field];
}
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
