# clean.awk - from any source's lines to text: awk -v native=0|1 -v english=FILE -f clean.awk, under LC_ALL=C.
# SPDX-License-Identifier: GPL-3.0-or-later
# native=1, for scripts other than Latin: two bytes of it for each ASCII letter; else 8 letters. A line of `english` was
# not translated. Addresses, paths, what programs print into and control characters are no text.
BEGIN { if (english != "") while ((getline line < english) > 0) untranslated[line] }
{
    gsub(/<[^<>]*>/, "")
    gsub(/&nbsp;/, " "); gsub(/&lt;/, "<"); gsub(/&gt;/, ">"); gsub(/&quot;/, "\""); gsub(/&#x?[0-9A-Fa-f]+;/, ""); gsub(/&amp;/, "\\&")
    gsub(/%PRODUCTNAME|\[officename\]/, "LibreOffice")
    gsub(/[_~]/, "")                                         # keys that menus underline
    gsub(/\302\255|\342\200[\213\216\217\252-\256]|\342\201[\246-\251]|\357\273\277/, "")   # soft hyphen, ZWSP, bidi controls, BOM
    gsub(/\342\200[\220\221]/, "-")                          # U+2010, U+2011, as in the evaluation text
    gsub(/([ \t\r]|\302\240|\342\200\257)+/, " ")            # no-break spaces too
    gsub(/^ | $/, "")
    if (length($0) < 12 || $0 in untranslated || seen[$0]++) next
    if (/http|www\.|\/usr\/|[{}\\]|%[sd@]|[\001-\037\177]/) next
    ascii = $0
    letters = gsub(/[A-Za-z]/, "", ascii)
    other = gsub(/[\200-\377]/, "", ascii)
    if (native ? other >= 2 * letters : letters >= 8) print
}
