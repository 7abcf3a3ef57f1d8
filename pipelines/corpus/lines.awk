# lines.awk - which line says what: awk -f lines.awk defects.csv eng.tsv OTHER.tsv ... > stem,part,line,article,unit
# SPDX-License-Identifier: GPL-3.0-or-later
# Lines with the same unit say the same: a paragraph (11.2), or a whole article (2) where some language prints its
# paragraphs as one. A line without a unit says what no other language says there (defects.csv).
BEGIN { OFS = "," }
FNR == 1 {
    stem = FILENAME
    gsub(/.*\/|\..*/, "", stem)
    if (stem != "defects") stems[++n] = stem
    FS = "\t"
}
stem == "defects" { split($0, d, ","); defect[d[1], d[2]] = d[3]; if (d[3] == "joined") whole[d[2]] = 1; next }
$1 > 0 { paragraphs[stem, $1]++ }
END {
    for (a = 1; a <= 30; a++)
        for (i = 1; i <= n; i++)
            if (paragraphs[stems[i], a] != paragraphs["eng", a] && !((stems[i], a) in defect)) whole[a] = 1
    print "stem", "part", "line", "article", "unit"
    for (i = 1; i <= n; i++) {
        part("eval", stems[i])
        part("calib", stems[i])
    }
}
function part(name, s,   a, p, line) {
    for (a = 1; a <= 30; a++)
        if ((a % 3 == 0) == (name == "calib"))
            for (p = 1; p <= paragraphs[s, a]; p++)
                print s, name, ++line, a, defect[s, a] == "missing" ? "" : a in whole ? a : a "." p
}
