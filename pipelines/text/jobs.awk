# jobs.awk - source|stem|code|package|native for each source that has a language, from udhr/languages.csv sources.csv languages.csv
# SPDX-License-Identifier: GPL-3.0-or-later
# -F, -v sources=... -v stems=...: only these. code: what the source calls the language; native: its script is not Latin.
FNR == 1 { file++; for (i = 1; i <= NF; i++) column[file, $i] = i; next }
file == 1 { script[$1] = $column[1, "script"] }
file == 2 { package[$1] = $2 }
file == 3 && (" " stems " ") ~ (" " $1 " ") {
    n = split(sources, source, " ")
    for (i = 1; i <= n; i++)
        if ((code = $column[3, source[i]]) != "") {
            name = package[source[i]]
            sub(/\*/, code, name)
            print source[i] "|" $1 "|" code "|" name "|" (script[$1] != "Latn")
        }
}
