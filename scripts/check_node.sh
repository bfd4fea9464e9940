#!/bin/sh
# Succeeds where Node and npm can build the front end; else says what is missing. Installs nothing.
set -eu

complain() {
    printf '\n%s\n%s\n' "LLM Router needs Node 20 (20.19 or newer) or 22 (22.12 or newer) to build its pages. $1" \
        "Get it from your system's packages or from nodejs.org, and see that node and npm are on the PATH." >&2
    exit 1
}

command -v node >/dev/null || complain "There is no node here."
# What Vite asks for: ^20.19.0 || >=22.12.0
node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)
' || complain "This one is $(node --version)."
command -v npm >/dev/null || complain "Node is here, but npm is not."
