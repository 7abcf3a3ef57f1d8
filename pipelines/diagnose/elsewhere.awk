# The widths of a recipe put elsewhere, within parts that take the same bytes in every way: the size stays, to the byte.
# Files: sens.csv, recipe.csv, after table.awk. -v by=position: the widest to the layers of llama.cpp's use_more_bits() (the first and last
# eighth, and every third between). -v by=random -v seed=S -v draw=N: shuffled (Fisher & Yates; Lehmer's generator, exact in
# doubles, so every awk gives the same). SPDX-License-Identifier: GPL-3.0-or-later
function random(n) { state = (state * 16807) % 2147483647; return int(n * state / 2147483647) }
function wanted(row,    l) {
    l = layer[row] + 0
    return l < int(L / 8) || l >= int(7 * L / 8) || (l - int(L / 8)) % 3 == 2
}
# Whether assignment a has more bits than b
function wider(a, b) { return bits[a] + 0 > bits[b] + 0 }
function before(a, b) { return wanted(a) != wanted(b) ? wanted(a) : layer[a] + 0 < layer[b] + 0 }

FNR == 1 {
    file++
    n = split_csv($0, f)
    for (i = 1; i <= n; i++) column[file, f[i]] = i
    if (file == 2) print
    next
}
file == 1 {
    split_csv($0, f)
    key = f[column[1, "part"]] SUBSEP f[column[1, "quant"]]
    if (!(key in seen)) { seen[key] = 1; kind[f[column[1, "part"]]] = kind[f[column[1, "part"]]] " " f[column[1, "packed_bytes"]] }
    next
}
{
    n_field = split_csv($0, f)
    n_row++
    line[n_row] = $0; part[n_row] = f[column[2, "part"]]; layer[n_row] = f[column[2, "layer"]]; bits[n_row] = f[column[2, "bits"]]
    if (layer[n_row] + 1 > L) L = layer[n_row] + 1
    class[n_row] = kind[part[n_row]]
    # what goes elsewhere is the row from `bits` on
    rest = $0
    for (i = 1; i < column[2, "bits"]; i++) sub(/^("[^"]*"|[^,"]*),/, "", rest)
    give[n_row] = rest
    who[n_row] = substr($0, 1, length($0) - length(rest))
}
END {
    state = (seed * 7919 + draw * 104729 + 1) % 2147483647
    for (i = 0; i < 10; i++) random(1)
    for (r = 1; r <= n_row; r++) {
        if (class[r] in done) continue
        done[class[r]] = 1
        m = 0
        for (s = r; s <= n_row; s++) if (class[s] == class[r]) { m++; to[m] = s; from[m] = s }
        if (by == "random")
            for (i = m; i > 1; i--) { j = random(i) + 1; t = from[i]; from[i] = from[j]; from[j] = t }
        else
            for (i = 2; i <= m; i++) {
                for (j = i; j > 1 && wider(from[j], from[j - 1]); j--) { t = from[j]; from[j] = from[j - 1]; from[j - 1] = t }
                for (j = i; j > 1 && before(to[j], to[j - 1]); j--) { t = to[j]; to[j] = to[j - 1]; to[j - 1] = t }
            }
        for (i = 1; i <= m; i++) put[to[i]] = give[from[i]]
    }
    for (r = 1; r <= n_row; r++) print who[r] put[r]
}
