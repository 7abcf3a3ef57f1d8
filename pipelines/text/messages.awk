# messages.awk - what msgunfmt --no-wrap prints: the translations, one a line; untranslated ones are left out.
# SPDX-License-Identifier: GPL-3.0-or-later
/^msgid /        { finish(); original = value(); kind = "id"; next }
/^msgid_plural / { kind = "plural"; next }
/^msgstr/        { finish(); kind = "translation"; text = value(); next }
/^"/             { if (kind == "id") original = original value(); else if (kind == "translation") text = text value(); next }
/^$/             { finish(); kind = "" }
END { finish() }

function value(   v) {
    v = $0
    sub(/^[^"]*"/, "", v)
    sub(/"$/, "", v)
    return v
}
function finish() {
    if (kind == "translation" && original != "" && text != "" && text != original) {   # the empty one is the file's header
        gsub(/\\[nrt]/, " ", text)
        gsub(/\\"/, "\"", text)
        gsub(/\\\\/, "\\", text)
        print text
    }
    text = ""
}
