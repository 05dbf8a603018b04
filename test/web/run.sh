#!/bin/sh
# run.sh [BUILD] - web/dfu.html and web/live.html against the virtual board; ends in "N passed, N failed".
#
# The page's file readers run in node, the page itself in a headless Chromium whose
# navigator.usb is the virtual board over USB/IP.  playwright-core, which steers Chromium,
# is installed into BUILD/web from package-lock.json.  With a second argument, a folder,
# pictures of the page are kept there.
set -u
build=$(cd "${1:-build}" && pwd) || exit 2
here=$(cd "$(dirname "$0")" && pwd)
[ -n "${2:-}" ] && { mkdir -p "$2"; SHOTS=$(cd "$2" && pwd); export SHOTS; }

modules=$build/web
mkdir -p "$modules"
if ! cmp -s "$here/package-lock.json" "$modules/package-lock.json" ||
   [ ! -d "$modules/node_modules/playwright-core" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$modules"
    (cd "$modules" && npm ci --no-audit --no-fund --silent) || {
        rm -f "$modules/package-lock.json"
        echo "npm ci could not install playwright-core"
        echo "0 passed, 1 failed"
        exit 1
    }
fi

log=$modules/test.log
BUILD=$build NODE_PATH=$modules/node_modules timeout 240 node --test \
    --test-reporter=tap "$here/test_files.js" "$here/test_page.js" "$here/test_live.js" >"$log" 2>&1
status=$?
passed=$(sed -n 's/^# pass //p' "$log")
failed=$(awk '/^# (fail|cancelled) / { n += $3 } END { print n + 0 }' "$log")
grep -E '^(not )?ok ' "$log"
if [ $status != 0 ]; then
    sed -n '/^not ok/,/^  \.\.\./p' "$log" | head -100
    [ "$failed" = 0 ] && failed=1
fi
echo "${passed:-0} passed, $failed failed"
[ $status = 0 ] && [ "${passed:-0}" -gt 0 ]
