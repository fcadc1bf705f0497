#!/bin/sh
# Serves the page on this computer alone.
cd "$(dirname "$0")" || exit 1
echo "Open http://localhost:8080/   (Ctrl+C ends it)"
exec python3 -m http.server 8080 --bind 127.0.0.1 --directory page
