# paragraphs.awk - one Declaration in HTML: article<TAB>paragraph, one a line, article 0 being the preamble.
# SPDX-License-Identifier: GPL-3.0-or-later
# -v lang=CODE; run under LC_ALL=C. A tag with the text behind it is a record, so line breaks mean nothing.
BEGIN { RS = "<"; OFS = "\t"; article = -1 }
/^header>/ { article = 0 }
/^article / { split($0, part, "\""); article = part[2] + 0 }     # article data-number="7">
/^\/(header|article)>/ { article = -1 }
/^\/p>/ { if (article >= 0 && (text = clean(text)) != "") print article, text; inside = 0 }
/^p>/ { inside = 1; text = "" }
inside { sub(/^[^>]*>/, ""); text = text $0 }

function clean(s) {
    gsub(/&#x3C;/, "<", s)
    gsub(/&#x26;/, "\\&", s)
    gsub("\342\200\220", "-", s)                                 # U+2010
    if (lang == "tha") gsub(/\[[^]]*\]/, "", s)                  # an editor's corrections, behind the word they mend
    gsub(/[ \t\n]+/, " ", s)
    gsub(/^ | $/, "", s)
    return s
}
