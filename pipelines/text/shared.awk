# shared.awk - lines that share no n bytes with another file: awk -v n=48 -v keep=second -f shared.awk SMALL LARGE
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints those lines of LARGE that share nothing with any of SMALL; keep=first: those of SMALL that share nothing with any
# of LARGE. The others go to -v dropped=FILE. SMALL is held in memory, every n bytes of it; run under LC_ALL=C.
# Any n bytes hold a whole block of n/2 that starts a multiple of n - n/2 + 1 into the line: only these are looked up at
# first, so LARGE costs little. A line of SMALL that is shorter, but not than n/2, is shared by what holds all of it; only with
# keep=second: in texts to be held apart from each other short phrases are many, and everywhere.
BEGIN { half = int(n / 2); step = n - half + 1; if (dropped != "") printf "" > dropped }
FILENAME == ARGV[1] {
    line[++lines] = $0
    if (keep != "first" && length($0) >= half && length($0) < n) short[$0]
    for (i = 1; i + half - 1 <= length($0); i++) block[substr($0, i, half)]
    for (i = 1; i + n - 1 <= length($0); i++) {
        span = substr($0, i, n)
        if (keep != "first") where[span]
        else if (!(span in where)) where[span] = lines
        else if (where[span] !~ ("(^| )" lines "$")) where[span] = where[span] " " lines
    }
    next
}
{
    hit = 0
    for (whole in short) if (index($0, whole)) hit = 1
    for (i = 1; i + half - 1 <= length($0) && !(hit && keep != "first"); i += step)
        if (substr($0, i, half) in block)
            for (j = i - step + 1 > 1 ? i - step + 1 : 1; j <= i && j + n - 1 <= length($0); j++)
                if ((span = substr($0, j, n)) in where) {
                    hit = 1
                    if (keep == "first") mark(where[span])
                }
    if (keep != "first") put(hit)
}
END {
    if (keep == "first")
        for (i = 1; i <= lines; i++) { $0 = line[i]; put(i in shares) }
}

function mark(list,   k, m, number) {
    m = split(list, number, " ")
    for (k = 1; k <= m; k++) shares[number[k]]
}
function put(drop) {
    if (!drop) print
    else if (dropped != "") print > dropped
}
