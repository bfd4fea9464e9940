#!/bin/sh
# Prints the Python that .venv is to be made with: the first one of version 3.11 or newer that can make
# a virtual environment. PYTHON=… asks for a certain one. Installs nothing; says what is missing.
set -eu

complain() {
    printf '\n%s\n' "LLM Router needs Python 3.11 or newer. $1" >&2
    exit 1
}

too_old=
no_ensurepip=
for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    python=$(command -v "$name") || continue
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        too_old="${too_old:+$too_old, }$("$python" --version 2>&1) ($name)"
    # Where uv is at hand nothing else is needed; else pip brings it, and ensurepip brings pip.
    elif command -v uv >/dev/null || "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python"
        exit 0
    else
        no_ensurepip=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fi
done

[ -z "$no_ensurepip" ] || complain "Python $no_ensurepip is here, but without its venv and ensurepip modules.
On Debian and Ubuntu: apt-get install python3-venv (or python$no_ensurepip-venv)."
[ -z "$too_old" ] || complain "Found only $too_old.
Where a newer one is installed under another name: make PYTHON=/path/to/python3 …"
complain "Found none${PYTHON:+ at $PYTHON}.
On Debian and Ubuntu: apt-get install python3 python3-venv."
