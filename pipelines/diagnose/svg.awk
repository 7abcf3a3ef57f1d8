# The page's two drawings, as SVG with a title, a description and words for every mark.
# SPDX-License-Identifier: GPL-3.0-or-later

# Level's sign: shape and colour both tell it.
function sign(level, x, y) {
    if (level == "hurt") return sprintf("<path class=\"hurt\" d=\"M%.1f %.1fl6 11h-12z\"/>", x, y - 7)
    if (level == "broken") return sprintf("<path class=\"hurt\" d=\"M%.1f %.1fl10 10m0-10l-10 10\" stroke-width=\"3\"/>", x - 5, y - 5)
    if (level == "unclear") return sprintf("<path class=\"unclear\" d=\"M%.1f %.1fl6 6-6 6-6-6z\"/>", x, y - 6)
    if (level == "spared") return sprintf("<circle class=\"spared\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", x, y)
    return sprintf("<rect class=\"ranked\" x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\"/>", x - 4, y - 4)
}
function nice_step(range,    p, m) {
    p = 10 ^ int(log(range) / log(10) - (range < 1 ? 1 : 0))
    m = range / p
    return p * (m > 5 ? 2 : m > 2 ? 1 : 0.5)
}
# Damage by language with intervals; the limit is a dashed line.
function draw_damage(    i, n, y, low, high, lo, hi, x0, w, step, v, s, lang, has) {
    n = rows["levels"]; x0 = 104; w = 236; lo = 0; hi = history["limit"] + 0
    for (i = 1; i <= n; i++) {
        if (cell["levels", i, "low"] == "") continue
        has++
        if (cell["levels", i, "low"] < lo) lo = cell["levels", i, "low"] + 0
        if (cell["levels", i, "high"] > hi) hi = cell["levels", i, "high"] + 0
    }
    if (!has) return ""
    hi += (hi - lo) * 0.04
    s = sprintf("<svg role=\"img\" aria-labelledby=\"dt dd\" width=\"352\" height=\"%d\" viewBox=\"0 0 352 %d\">\n", 24 * n + 58, 24 * n + 58) \
        "<title id=\"dt\">Damage by language</title><desc id=\"dd\">" esc(headline_words() " " worst_words()) " All numbers are in the table above.</desc>\n"
    step = nice_step(hi - lo)
    for (v = int(lo / step) * step; v <= hi; v += step)
        s = s sprintf("<path class=\"grid\" d=\"M%.1f 4V%d\"/><text x=\"%.1f\" y=\"%d\" class=\"mid small\">%s</text>\n", x0 + w * (v - lo) / (hi - lo), 24 * n + 6, \
            x0 + w * (v - lo) / (hi - lo), 24 * n + 22, sprintf("%.4g", (v < step / 2 && v > -step / 2) ? 0 : v))
    v = x0 + w * (history["limit"] - lo) / (hi - lo)
    s = s sprintf("<path class=\"limit\" d=\"M%.1f 0V%d\"/>\n", v, 24 * n + 6)
    for (i = 1; i <= n; i++) {
        lang = cell["levels", i, "lang"]; y = 24 * i - 8
        s = s sprintf("<g><title>%s: %s, %s %s</title><text x=\"%d\" y=\"%d\" class=\"end\">%s</text>", esc(name_of(lang)), cell["levels", i, "level"], \
            damage(cell["levels", i, "estimate"]), cell["levels", i, "low"] == "" ? "" : "(" damage_span(cell["levels", i, "low"], cell["levels", i, "high"]) ")", x0 - 10, y + 4, esc(short_name(lang)))
        if (cell["levels", i, "low"] != "") {
            low = x0 + w * (cell["levels", i, "low"] - lo) / (hi - lo); high = x0 + w * (cell["levels", i, "high"] - lo) / (hi - lo)
            s = s sprintf("<path class=\"whisker\" d=\"M%.1f %dH%.1f\"/>", low, y, high) sign(cell["levels", i, "level"], x0 + w * (cell["levels", i, "estimate"] - lo) / (hi - lo), y)
        } else s = s sign(cell["levels", i, "level"], x0 + w, y)
        s = s "</g>\n"
    }
    return s sprintf("<text x=\"176\" y=\"%d\" class=\"mid small\">%s; dashed: the limit, %s</text>\n</svg>\n", 24 * n + 44, esc(unit()), damage(history["limit"]))
}
function short_name(lang,    s) {
    s = name_of(lang)
    sub(/ \(.*/, "", s)
    return length(s) > 13 ? lang : s
}
# From white to dark by share of the largest; dark enough to be told in grey.
function shade(share,    r, g, b) {
    if (share < 0) share = 0
    r = 255 - share * (255 - 94); g = 247 - share * (247 - 10); b = 236 - share * (236 - 50)
    if (share < 0.5) { r = 255 - share * 2 * (255 - 227); g = 247 - share * 2 * (247 - 100); b = 236 - share * 2 * (236 - 60) }
    else { r = 227 - (share - 0.5) * 2 * (227 - 80); g = 100 - (share - 0.5) * 2 * (100 - 0); b = 60 - (share - 0.5) * 2 * (60 - 40) }
    return sprintf("#%02x%02x%02x", r, g, b)
}
# What each part costs each language under the plan: n_parts, part_at[], heat[part, lang], heat_most
function read_heat(    i, cost, p, l, v) {
    cost = history["predict"] != "" ? "relative_output_error" : history["damage"]
    for (i = 1; i <= rows["sens"]; i++) {
        if (cell["sens", i, "quant"] != history["plan"] || cell["sens", i, "part"] == "all") continue
        p = cell["sens", i, "part"]; l = cell["sens", i, "lang"]; v = cell["sens", i, cost]
        if (!(p in part_seen)) { part_seen[p] = 1; part_at[++n_parts] = p }
        heat[p, l] = v
        if (v + 0 > heat_most + 0) { heat_most = v + 0; heat_part = p; heat_lang = l }
    }
}
function part_name(p) { return p ~ /^[0-9]+$/ ? "layer " p : p }
function draw_heat(    i, j, n, x0, y0, s, lang, v, width, height) {
    n = rows["levels"]; x0 = n_parts && part_at[1] ~ /^[0-9]+$/ ? 64 : 120; y0 = 96; width = x0 + 20 * n + 8; height = y0 + 20 * n_parts + 28
    if (width < 250) width = 250
    s = sprintf("<svg role=\"img\" aria-labelledby=\"ht hd\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height) \
        "<title id=\"ht\">Cost of each part to each language</title><desc id=\"hd\">Darker costs more. Most: " esc(part_name(heat_part)) " to " esc(name_of(heat_lang)) ", " num(heat_most) ". Numbers are in the table below.</desc>\n"
    for (j = 1; j <= n; j++)
        s = s sprintf("<text class=\"small\" transform=\"translate(%d %d) rotate(-90)\">%s</text>\n", x0 + 20 * j - 6, y0 - 6, esc(short_name(cell["levels", j, "lang"])))
    for (i = 1; i <= n_parts; i++) {
        s = s sprintf("<text class=\"end small\" x=\"%d\" y=\"%d\">%s</text>\n", x0 - 6, y0 + 20 * i - 6, esc(part_name(part_at[i])))
        for (j = 1; j <= n; j++) {
            lang = cell["levels", j, "lang"]; v = heat[part_at[i], lang]
            s = s sprintf("<rect x=\"%d\" y=\"%d\" width=\"19\" height=\"19\" fill=\"%s\"><title>%s, %s: %s</title></rect>", x0 + 20 * (j - 1), y0 + 20 * (i - 1), \
                v == "" ? "none" : shade(heat_most > 0 ? v / heat_most : 0), esc(part_name(part_at[i])), esc(name_of(lang)), num(v))
        }
        s = s "\n"
    }
    for (j = 0; j <= 5; j++) s = s sprintf("<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"14\" fill=\"%s\"/>", x0 + 14 * j, height - 18, shade(j / 5))
    return s sprintf("<text class=\"end small\" x=\"%d\" y=\"%d\">0</text><text class=\"small\" x=\"%d\" y=\"%d\">%s</text>\n</svg>\n", x0 - 6, height - 7, \
        x0 + 90, height - 7, num(heat_most))
}
