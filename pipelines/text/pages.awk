# pages.awk - HTML (LibreOffice's help, the installation guide) or Mallard (GNOME's): one paragraph a line.
# SPDX-License-Identifier: GPL-3.0-or-later
# A tag with the text behind it is a record, so line breaks mean nothing. Inline tags vanish, block tags end a paragraph.
BEGIN {
    RS = "<"
    words("address article blockquote body br caption cite dd desc div dl dt figure h1 h2 h3 h4 h5 h6 head " \
        "hr html info item li list note ol p page section steps subtitle table td terms th title tr ul", block)
    words("aside credit footer header nav pre screen script style", hidden)  # no text, program code, the same on every page
}
/^!--/ { comment = 1 }
comment { if (!sub(/^.*-->/, "")) next; comment = 0; paragraph = paragraph $0; next }
{
    closes = sub(/^\//, "")
    name = match($0, /^[A-Za-z0-9]+/) ? tolower(substr($0, 1, RLENGTH)) : ""
    end = index($0, ">")
    empty = substr($0, end - 1, 1) == "/"
    if (name in block || name in hidden) flush()
    if (!closes && (name == "html" || name == "page")) outside = ""  # a file that ended inside something
    if (outside != "") {
        if (name == outside && !empty) depth += closes ? -1 : 1
        if (depth) next
        outside = ""
    } else if (!closes && !empty && (name in hidden || substr($0, 1, end) ~ /^span .*class="MAC"/)) {
        outside = name                                               # the Mac's key names, shown beside the usual ones
        depth = 1
        next
    }
    paragraph = paragraph substr($0, end + 1)
}
END { flush() }

function flush() {
    gsub(/[ \t\r\n]+/, " ", paragraph)
    if (paragraph !~ /^ ?$/) print paragraph
    paragraph = ""
}
function words(list, set,   i, n, word) {
    n = split(list, word, " ")
    for (i = 1; i <= n; i++) set[word[i]]
}
