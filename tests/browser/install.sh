#!/usr/bin/env bash
# Installs Debian's Chromium where there is none, for the browser tests. Where that is not possible they say what is
# missing and are skipped.
set -u
command -v chromium >/dev/null && exit 0
if ! command -v apt-get >/dev/null; then
  echo "Chromium is missing, and there is no apt-get to install it: the browser tests will be skipped." >&2
elif [ "$(id -u)" -ne 0 ]; then
  echo "Chromium is missing (as root: apt-get install chromium): the browser tests will be skipped." >&2
else
  echo "Installing Chromium for the browser tests (once) ..."
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-liberation; } >/dev/null 2>&1 ||
    echo "Chromium could not be installed: the browser tests will be skipped." >&2
fi
exit 0
