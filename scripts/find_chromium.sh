#!/bin/sh
# Prints a Chromium that starts: $CHROMIUM, one on the PATH, or one that Playwright keeps.
# With --install it gets one where there is none, and says why where it cannot.
set -eu

starts() {
    # Ubuntu's chromium-browser may be a stub that only tells to install a snap.
    [ -n "$1" ] && "$1" --version >/dev/null 2>&1
}

find_chromium() {
    if [ -n "${CHROMIUM:-}" ]; then
        starts "$CHROMIUM" && echo "$CHROMIUM" && return
        echo "CHROMIUM names $CHROMIUM, which does not start." >&2
        exit 1
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        path=$(command -v "$name" || true)
        starts "$path" && echo "$path" && return
    done
    for folder in "${PLAYWRIGHT_BROWSERS_PATH:-}" "$HOME/.cache/ms-playwright" "$HOME/Library/Caches/ms-playwright"; do
        for path in "$folder"/chromium-*/chrome-linux*/chrome \
            "$folder"/chromium-*/chrome-mac*/*.app/Contents/MacOS/*; do
            starts "$path" && echo "$path" && return
        done
    done
    return 1
}

find_chromium && exit
[ "${1:-}" = --install ] || exit 1

cd "$(dirname "$0")/.."
# Playwright talks on standard output, which is for the path here.
if ! { grep -qs '^ID=debian' /etc/os-release && scripts/apt_install.sh chromium; }; then
    echo "Asking Playwright for a Chromium" >&2
    (cd frontend && npx --yes playwright-core install chromium) >&2 </dev/null || true
fi
find_chromium && exit
echo "The tests need a Chromium, and none could be installed (see above).
Install one (on Debian: apt-get install chromium), or name one: CHROMIUM=/path/to/chrome make test" >&2
exit 1
