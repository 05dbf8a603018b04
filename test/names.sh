#!/bin/sh
# names.sh - does each function of an image have a name of its own?  And who calls whom?
#
#   names.sh             the test
#   names.sh callers     `make callers`: the callers of each file, as the objects have them.
#                        No file's head says it: there it would be wrong soon
#
# Functions are taken from the sources: a definition begins in the first column, and so does
# its {.
set -u
cd "$(dirname "$0")/.."
build=${BUILD:-build}

# "uses FILE SYMBOL" and "has FILE SYMBOL"
symbols() {
    for file in *.c *.s; do
        arm-none-eabi-nm "$build/arm/${file%.*}.o" |
            awk -v file="$file" '$1 == "U" { print "uses", file, $2 }
                                 $2 ~ /[TDBRCV]/ { print "has", file, $3 }'
    done
}

callers() {
    symbols | awk '
        $1 == "has"  { homes[$3] = homes[$3] " " $2; files[$2] }
        $1 == "uses" { uses[$2 " " $3]; files[$2] }
        END {
            for (use in uses) {
                split(use, u, " ")
                n = split(homes[u[2]], home, " ")
                for (i = 1; i <= n; i++)
                    if (home[i] != u[1]) pair[home[i] " " u[1]]
            }
            for (file in files) {
                by = to = ""
                for (other in files) {
                    if (file " " other in pair) by = by " " other
                    if (other " " file in pair) to = to " " other
                }
                print file "|" by "|" to
            }
        }' | sort | awk -F'|' '
        function sorted(list,    n, i, j, w, x) {
            n = split(list, w, " ")
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && w[j] < w[j - 1]; j--) { x = w[j]; w[j] = w[j - 1]; w[j - 1] = x }
            x = ""
            for (i = 1; i <= n; i++) x = x " " w[i]
            return x == "" ? " nobody" : x
        }
        { print $1; print "    called by" sorted($2); print "    calls    " sorted($3) }'
}

[ "${1:-}" = callers ] && { callers; exit; }

bad=0
for image in boot probe; do
    files=
    for file in *.c; do
        grep -q "^LOAD .*/arm/${file%.c}\.o$" "$build/$image.map" && files="$files $file"
    done
    # shellcheck disable=SC2086
    awk '
        function defined(line) {
            gsub(/__attribute__\(\([^{]*\)\) /, "", line)
            if (match(line, /[a-z_0-9]+\(/)) {
                line = substr(line, RSTART, RLENGTH - 1)
                count++
                if (line in home && home[line] != FILENAME) {
                    print line "() stands in " home[line] " and in " FILENAME ": it needs two names"
                    bad = 1
                }
                home[line] = FILENAME
            }
        }
        FNR == 1            { head = "" }
        /^[a-z_].*\(/       { head = $0 }
        /^{/ && head != ""  { defined(head); head = "" }
        /^[a-z_].*\(.*{.*}/ { defined($0); head = "" }
        END {
            if (count < 100) { print "only " count + 0 " functions found"; bad = 1 }
            exit bad
        }' $files || bad=1
done
for file in *.c *.h *.s; do
    sed '/\*\//q; /^$/q' "$file" | grep -q 'called by  ' &&
        { echo "$file: its head says who calls it; leave that to \`make callers\`"; bad=1; }
done
exit $bad
