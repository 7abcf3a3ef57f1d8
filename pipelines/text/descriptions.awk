# descriptions.awk - apt's Translation-XX: the long descriptions of packages, one paragraph or list item a line.
# SPDX-License-Identifier: GPL-3.0-or-later
/^Description-[A-Za-z_]+:/ { inside = 1; next }                  # what stands on this line is the short one
inside && /^ \.$/ { flush(); next }
inside && /^  /   { flush(); sub(/^[ *+-]+/, ""); print; next }
inside && /^ /    { sub(/^ /, ""); paragraph = paragraph (paragraph == "" ? "" : " ") $0; next }
{ flush(); inside = 0 }
END { flush() }

function flush() {
    if (paragraph != "") print paragraph
    paragraph = ""
}
