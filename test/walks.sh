#!/bin/sh
# walks.sh - are the functions of docs/walks.md still where it says?
set -u
cd "$(dirname "$0")/.."
bad=0 seen=0
while read -r function file; do
    seen=$((seen + 1))
    grep -qE "^([a-z_].*[ *])?$function(\(|:|$)|words +$function," "$file" || {
        echo "docs/walks.md: there is no $function in $file"; bad=1; }
done <<ROWS
$(sed -n 's/^| [0-9]* | `\([a-z_0-9]*\)` | \[\([a-z_.]*\)\].*/\1 \2/p' docs/walks.md)
ROWS
[ "$seen" -ge 30 ] || { echo "docs/walks.md: only $seen rows found"; bad=1; }
exit $bad
