# fluent.awk - Firefox's strings, Fluent (.ftl) and .properties: the values, one a line.
# SPDX-License-Identifier: GPL-3.0-or-later
/^[ \t]*(#|$)/ || /accesskey[ \t]*=/ || /^[ \t]*[]}{]/ { next }
{
    sub(/\r$/, "")
    if (match($0, /^[ \t]*(\*?\[[^]]*\]|[.A-Za-z_-][A-Za-z0-9_.-]*[ \t]*=)/))
        $0 = substr($0, RLENGTH + 1)
    else if ($0 !~ /^[ \t]/)                                 # neither a name nor a line that goes on
        next
    gsub(/\{ *-[^{}]*\}/, "Firefox")                         # { -brand-short-name }
    gsub(/\{[^{}]*\}|\{[^}]*$|%([0-9]\$)?S/, "")             # other placeables
    gsub(/\\n/, " ")
    if (!/""|\(\)|\342\200\230\342\200\231|\342\200\234\342\200\235|\302\253[ ]?\302\273/) print       # quotes that held one
}
