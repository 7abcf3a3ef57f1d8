# Tables by name and column, numbers and names as a reader wants them, and text made safe for HTML.
# SPDX-License-Identifier: GPL-3.0-or-later

# Reads dir/NAME.csv: cell[NAME, row, column], rows[NAME]. A table that is not there has no rows.
function read_table(name, path,    line, n, i, head, f) {
    if (path == "") path = dir "/" name ".csv"
    rows[name] = 0
    if ((getline line < path) <= 0) return
    split_csv(line, head)
    while ((getline line < path) > 0) {
        n = split_csv(line, f)
        rows[name]++
        for (i = 1; i <= n; i++) cell[name, rows[name], head[i]] = f[i]
    }
    close(path)
}
# Fields of a line into out[1..n]; what looks like a number is one, as in awk's own fields. n
function split_csv(line, out,    n, part, more, as_field) {
    n = 0
    sub(/\r$/, "", line)
    do {
        if (match(line, /^"([^"]|"")*"/)) {
            part = substr(line, 2, RLENGTH - 2)
            gsub(/""/, "\"", part)
            line = substr(line, RLENGTH + 1)
        } else {
            match(line, /^[^,]*/)
            part = substr(line, 1, RLENGTH)
            line = substr(line, RLENGTH + 1)
        }
        split(part, as_field, "\n")
        out[++n] = part == "" ? "" : as_field[1]
        more = line != ""
        line = substr(line, 2)
    } while (more)
    return n
}
function read_names(path,    line, f, first) {
    while ((getline line < path) > 0)
        if (first++ && split_csv(line, f)) { full_name[f[1]] = f[3]; if (f[2] != "" && !(f[2] in full_name)) full_name[f[2]] = f[3] }
    close(path)
}
function read_all(    i, n, list) {
    n = split("history levels sens index recipe-worst expected-worst blame blame-parts damage judged arms prediction prediction-rank", list, " ")
    for (i = 1; i <= n; i++) read_table(list[i])
    for (i = 1; i <= rows["history"]; i++) history[cell["history", i, "name"]] = cell["history", i, "value"]
    if (history["calibration"] != "") read_table("prediction", history["calibration"])
    read_names(names)
}

function esc(s) {
    gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); gsub(/"/, "\\&quot;", s); gsub(/'/, "\\&#39;", s)
    gsub(/[\001-\010\013\014\016-\037]/, "", s)
    return s
}
# A language as a reader knows it: Thai
function name_of(lang) { return lang in full_name ? full_name[lang] : lang }

# A number in as many digits as it is worth, with a real minus.
function num(x,    a, s) {
    if (x == "") return "–"
    a = x < 0 ? -x : x + 0
    s = sprintf(a >= 100 ? "%.0f" : a >= 10 ? "%.1f" : a >= 1 ? "%.2f" : a >= 0.01 || a == 0 ? "%.3f" : a >= 0.0001 ? "%.5f" : "%.1e", a)
    return (x < 0 && s + 0 ? "−" : "") s
}
function span(low, high) { return low == "" ? "" : num(low) " to " num(high) }
# Damage, in one number of decimals for the whole page: what the limit needs, or the largest damage if that is less.
function damage(x) {
    if (decimals == "") set_decimals()
    return fixed(x, decimals)
}
function fixed(x, places,    s) {
    if (x == "") return "–"
    s = sprintf("%." places "f", x < 0 ? -x : x + 0)
    return (x < 0 && s + 0 ? "−" : "") s
}
function fixed_span(low, high, places) { return low == "" ? "" : fixed(low, places) " to " fixed(high, places) }
# Decimals that show x to 2 % or better, at least two
function places_of(x,    n) {
    for (n = 2; n < 9 && x * 10 ^ n < 50 - 1e-9; n++) ;
    return n
}
function damage_span(low, high) { return low == "" ? "" : damage(low) " to " damage(high) }
function set_decimals(    i, x, most) {
    for (i = 1; i <= rows["levels"]; i++) { x = cell["levels", i, "estimate"]; if (x != "" && x > most) most = x }
    if (history["limit"] > 0 && !(most > 0 && most < history["limit"])) most = history["limit"]
    decimals = places_of(most)
}
function size(bytes) { return bytes >= 1e9 ? sprintf("%.2f GB", bytes / 1e9) : bytes >= 1e6 ? sprintf("%.2f MB", bytes / 1e6) : sprintf("%.1f kB", bytes / 1e3) }
function per_cent(x) { return sprintf("%.0f %%", 100 * x) }
function plural(n, one, many) { return n " " (n == 1 ? one : many) }
# Bits of bits=4,per=...
function bits_of(quant) { gsub(/^bits=|,.*/, "", quant); return quant }
function unit() {
    return history["damage"] == "delta_bits_per_byte" ? "bits a byte" : history["damage"] == "kl" ? "nats a token (KL)" : "nats a token"
}
# bits=4,per=group:128,clip=minmax in words
function plan_words(    per) {
    per = history["plan"]; sub(/.*,per=/, "", per); sub(/,.*/, "", per)
    sub(/^group:/, "group of ", per)
    return bits_of(history["plan"]) " bits, a scale for each " (per == "channel" ? "output channel" : per)
}
