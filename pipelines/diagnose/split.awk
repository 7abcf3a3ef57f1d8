# Odd lines of each text into dir/choose, even ones into dir/judge, and dir/split.csv: lang, line, side, repeated. A line whose text
# was there before, in any language, goes where that went, so that what is chosen from and what it is judged by share none. With
# -v parallel=yes line i of all languages is on one side. Lines that are linked by this go where the first of them is.
# SPDX-License-Identifier: GPL-3.0-or-later
function root(x) { while (up[x] != x) x = up[x] = up[up[x]]; return x }
# Nodes are numbered as they come, so the lower root is that of the line that came first
function join_lines(a, b) { a = root(a); b = root(b); if (a < b) up[b] = a; else up[a] = b }

FNR == 1 { file[++n_file] = FILENAME }
{
    text[n_file, FNR] = $0; n_line[n_file] = FNR
    node = parallel == "yes" ? FNR : NR
    number[node] = FNR
    if (!(node in up)) up[node] = node
    key = $0
    gsub(/^[ \t\r]+|[ \t\r]+$/, "", key)
    if (key == "") next
    if (key in first) { repeated[n_file, FNR] = 1; join_lines(node, first[key]) }
    else first[key] = node
}
END {
    print "lang,line,side,repeated" > (dir "/split.csv")
    for (f = 1; f <= n_file; f++) {
        lang = file[f]
        gsub(/.*\/|[.]txt$/, "", lang)
        split("", count)
        for (i = 1; i <= n_line[f]; i++) {
            node = parallel == "yes" ? i : ++n
            side = number[root(node)] % 2 ? "choose" : "judge"
            print text[f, i] > (dir "/" side "/" lang ".txt")
            printf "%s,%d,%s,%d\n", lang, i, side, repeated[f, i] > (dir "/split.csv")
            count[side]++
        }
        close(dir "/choose/" lang ".txt"); close(dir "/judge/" lang ".txt")
        if (!count["choose"] || !count["judge"]) {
            print file[f] ": needs at least two lines that differ" (n_line[f] > 1 ? ": one to choose by, one to judge by" : "") > "/dev/stderr"
            exit 1
        }
    }
}
