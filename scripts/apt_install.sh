#!/bin/sh
# apt_install.sh NAME…: installs Debian packages where this user may; fails where not. Speaks of errors only.
set -eu
[ "$(id -u)" = 0 ] || exit 1
command -v apt-get >/dev/null || exit 1
echo "Installing $*" >&2
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@"; } >/dev/null </dev/null
