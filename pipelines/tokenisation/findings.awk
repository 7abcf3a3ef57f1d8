# findings.awk - what the tables of this study say, in words: awk -F, -f findings.awk tokenizers.csv languages.csv ...
# SPDX-License-Identifier: GPL-3.0-or-later
# Tables come in the order in which they are told; every number and every verdict is from them.
function field(name) { return $at[name] }
function told(name) {                                            # 1.23 [1.10, 1.40]
    return sprintf("%.2f", field(name)) (field("low") == "" ? "" : sprintf(" [%.2f, %.2f]", field("low"), field("high")))
}
function verdict() {
    return field("low") == "" ? "too few languages to tell" : field("low") > 0 ? "they rise together" \
        : field("high") < 0 ? "one falls as the other rises" : "no relation shown"
}
function begin(line) { print ""; print line }
function end_of_premium(  i, t) {
    for (i = 1; i <= m; i++) {
        t = tokenizer[i]
        begin("Under " t (t in known ? ": " known[t] : ""))
        print "  dearest   " dearest[t]
        print "  cheapest  " cheapest[t]
        printf "  whole interval above 2: %d of %d languages; whole interval below 1: %d\n", twice[t], n[t], below[t]
    }
}
BEGIN {
    title["latin"] = "Languages in other scripts, against those in Latin script"
    title["premium-by-family"] = "Medians by family of scripts (range)"
    title["two-tokenizers-rank"] = "Do the two rank languages alike?"
    title["rank-as-bloom"] = "Do they rank as BLOOM's own tokenizer does on FLORES-200?"
    title["damage-correlations"] = "Does it go with the damage of 4 bits as the published study has it (read off figures of other models)?"
    title["damage-correlations-given-script"] = "And with Latin script held fixed?"
}

FNR == 1 {
    if (table == "premium") end_of_premium()
    table = FILENAME
    gsub(/.*\/|\.csv$/, "", table)
    split("", at)
    for (i = 1; i <= NF; i++) at[$i] = i
    if (table in title) begin(title[table])
    next
}

table == "tokenizers" { known[field("tokenizer")] = field("name") ", " field("note") }
table == "languages" && field("stem") == reference {
    print "Premium: tokens for the same text over those for " field("name") ". In brackets: 95 % intervals."
}
table == "premium" {                                             # the dearest first
    t = field("tokenizer")
    if (!n[t]++) { tokenizer[++m] = t; dearest[t] = field("name") " " told("premium") }
    cheapest[t] = field("name") " " told("premium")
    twice[t] += field("low") > 2
    below[t] += field("high") != "" && field("high") < 1
}
table == "latin" {
    what = field("stat") == "ratio-mean" ? "times (means)" : "(difference of medians)"
    printf "  %-12s %s %s\n", field("tokenizer"), told("estimate"), what
}
table == "premium-by-family" {
    printf "  %-12s %-29s %5.2f  (%.2f to %.2f, n %d)\n", field("tokenizer"), field("family"), field("median"), \
        field("min"), field("max"), field("count")
}
/^premium_/ {                                                    # a row of corr
    pair = field("x") ", " field("y")
    printf "  %-42s %-8s %s, n %d: %s\n", pair, field("method"), told("estimate"), field("n"), verdict()
}
