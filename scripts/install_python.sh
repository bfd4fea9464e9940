#!/bin/sh
# install_python.sh run | dev: installs what the locks say, and the project itself, into .venv, and leaves
# the stamp that the Makefile looks for.
#
# For `run`, the embedded model is left out where it cannot be had: all else works without it. No stamp is
# left then, so that the next `make run` tries again.
set -eu
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .venv/bin/uv)
[ -x "$uv" ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv

quiet=--quiet
[ ! -t 2 ] || quiet= # someone is watching, and the embedded model is 130 MB

install() {
    "$uv" pip install $quiet --python .venv/bin/python --no-deps "$@"
}

has_openmp() {
    .venv/bin/python -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null
}

stamp=.venv/.$1
case $1 in
run)
    if ! install --require-hashes --only-binary xllamacpp -r requirements-local.lock; then
        echo "The embedded model cannot be installed here (see above). Going on without it." >&2
        install --require-hashes -r requirements.lock
        stamp=
    # llama.cpp counts on the system's OpenMP, which comes with a compiler, or by itself.
    elif [ "$(uname)" = Linux ] && ! has_openmp && ! { scripts/apt_install.sh libgomp1 && has_openmp; }; then
        echo "The embedded model needs libgomp.so.1 (on Debian and Ubuntu: apt-get install libgomp1)." >&2
        stamp=
    fi
    ;;
dev)
    install --require-hashes -r requirements-dev.lock
    ;;
esac
install --editable .
[ -z "$stamp" ] || touch "$stamp"
