# The page: dir/*.csv -> one HTML file that needs nothing else. SPDX-License-Identifier: GPL-3.0-or-later
BEGIN {
    read_all(); read_heat()
    predicted = history["predict"] != ""
    SIGN["hurt"] = "▲ hurt"; SIGN["broken"] = "✖ broken"; SIGN["unclear"] = "◆ unclear"; SIGN["spared"] = "● spared"; SIGN["ranked"] = "■ ranked"
    put_head(); put_verdict(); put_languages(); put_widths(); put_heat(); put_recipe(); put_handover(); put_prediction(); put_how(); put_not()
    print "</main>\n</body>\n</html>"
}
function th(text, class) { return "<th scope=\"col\"" (class ? " class=\"" class "\"" : "") ">" text "</th>" }
function row_head(lang) { return "<th scope=\"row\">" esc(name_of(lang)) (lang in full_name ? " <span class=\"soft code\">" esc(lang) "</span>" : "") "</th>" }
# What may be wider than the screen goes on its own there
function wide(label) { return "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"" label "\">" }
function td(text, class) { return "<td" (class ? " class=\"" class "\"" : "") ">" text "</td>" }

function put_head(    line) {
    print "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
    print "<title>" esc(history["model"]) ": what quantising costs its languages</title>\n<style>"
    while ((getline line < css) > 0) print line
    close(css)
    print "</style>\n</head>\n<body>\n<main>"
    print "<h1>Which languages will quantising hurt?</h1>"
    print "<p><strong>" esc(history["model"]) "</strong>, planned: " esc(plan_words()) " <span class=\"soft\">(" esc(history["plan"]) ")</span>. " \
        (predicted ? "Predicted from the model as it is; nothing was run quantised." : "Measured on " rows["levels"] " languages, " history["lines"] " lines of text.") "</p>"
}
function put_verdict(    i, n, list, level) {
    print "<section class=\"verdict\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">Verdict</h2>\n<p><strong>" esc(headline_words()) "</strong></p>"
    if (worst_words() != "") print "<p>" esc(worst_words()) "</p>"
    n = split("broken hurt unclear spared", list, " ")
    for (i = 1; i <= n; i++)
        if (count_level(list[i])) print "<p>" SIGN[list[i]] ": " esc(list_level(list[i])) ".</p>"
    print "<p>" esc(recipe_words()) "</p>"
    if (gptq_words() != "") print "<p>" esc(gptq_words()) "</p>"
    if (action_words() != "") print "<p><b>" esc(action_words()) "</b></p>"
    print "</section>"
}
function put_languages(    i, lang, level) {
    if (cell["levels", 1, "level"] == "ranked") { put_ranks(); return }
    print "<h2>By language</h2>\n<p>Damage is what rounding adds, in " esc(unit()) (predicted ? ", predicted" : "; 95 % intervals from drawing lines") ". " \
        "Hurt: the interval lies above the limit, " damage(history["limit"]) "; spared: below; unclear: the limit is within." limit_words() "</p>"
    print wide("Table by language") "<table><caption>Damage by language</caption>\n<thead><tr>" th("Language", "text") th("Level", "text") th("Damage") th("Interval") \
        (predicted ? th("Index") : th("Perplexity<br/>before") th("after") th("Worst in<br/>draws")) "</tr></thead>\n<tbody>"
    for (i = 1; i <= rows["levels"]; i++) {
        lang = cell["levels", i, "lang"]; level = cell["levels", i, "level"]
        print "<tr>" row_head(lang) td(SIGN[level], "text " level) td(damage(cell["levels", i, "estimate"])) td(damage_span(cell["levels", i, "low"], cell["levels", i, "high"])) \
            (predicted ? td(fixed(cell["levels", i, "index"], places_of(cell["levels", 1, "index"]))) : td(num(cell["levels", i, "ref_perplexity"])) td(num(cell["levels", i, "perplexity"])) \
            td(cell["levels", i, "worst_share"] == "" ? "–" : per_cent(cell["levels", i, "worst_share"]))) "</tr>"
    }
    print "</tbody></table></div>"
    print wide("Chart of damage by language") draw_damage() "</div>"
}
# What the limit comes to in perplexity, which a language's tokens decide
function limit_words(    i, x, low, high) {
    if (predicted || history["damage"] == "kl") return ""
    for (i = 1; i <= rows["levels"]; i++) {
        x = exp(history["limit"] * (history["damage"] == "delta_nll" ? 1 : log(2) * cell["levels", i, "bytes_per_token"]))
        if (low == "" || x < low) low = x
        if (x > high) high = x
    }
    low = more_perplexity(low); high = more_perplexity(high)
    return " The limit is a choice (LIMIT=); here it comes to " (low == high ? low : substr(low, 1, index(low, " ") - 1) " to " high " by language") "."
}
function put_ranks(    i) {
    print "<h2>By language</h2>\n" wide("Table by language") "<table><caption>In the order of the index that the prediction goes by</caption>\n<thead><tr>" th("Language", "text") th("Index") "</tr></thead>\n<tbody>"
    for (i = 1; i <= rows["levels"]; i++)
        print "<tr>" row_head(cell["levels", i, "lang"]) td(fixed(cell["levels", i, "index"], places_of(cell["levels", 1, "index"]))) "</tr>"
    print "</tbody></table></div>"
}
# Damage under every width of the menu
function put_widths(    i, j, n, q, quants, l, d) {
    if (!rows["damage"]) return
    for (i = 1; i <= rows["damage"]; i++) {
        q = cell["damage", i, "quant"]; l = cell["damage", i, "lang"]
        if (!(q in at)) { at[q] = 1; quants[++n] = q }
        d[q, l] = cell["damage", i, "estimate"]
        d[q, l, "low"] = cell["damage", i, "low"]; d[q, l, "high"] = cell["damage", i, "high"]
    }
    print "<h2>Other widths</h2>\n" wide("Table of widths") "<table><caption>Damage in " esc(unit()) " with one width for the whole model</caption>\n<thead><tr>" th("Language", "text")
    for (j = 1; j <= n; j++) print th(esc(bits_of(quants[j])) " bits" (quants[j] == history["plan"] ? "<br/>(plan)" : ""))
    print "</tr></thead>\n<tbody>"
    for (i = 1; i <= rows["levels"]; i++) {
        l = cell["levels", i, "lang"]
        printf "<tr>%s", row_head(l)
        for (j = 1; j <= n; j++) printf "%s", td(damage(d[quants[j], l]) " " mark(d[quants[j], l, "low"], d[quants[j], l, "high"]))
        print "</tr>"
    }
    print "</tbody></table></div>\n<p class=\"soft\">▲ hurt, ◆ unclear, ● spared, by the same rule; – worse than guessing.</p>"
}
function mark(low, high) { return low == "" ? "" : low > history["limit"] + 0 ? "▲" : high <= history["limit"] + 0 ? "●" : "◆" }

function put_heat(    i, j, at) {
    print "<h2>Which parts are to blame</h2>\n<p>" (predicted ? "Error of each part’s output, relative to the output, when it alone is quantised as planned" : "Damage in " esc(unit()) " when that part alone is quantised as planned, on the odd lines") \
        ". Most: " esc(part_name(heat_part)) " to " esc(name_of(heat_lang)) ", " num(heat_most) blame_span(heat_part, heat_lang) "." part_words() add_words() "</p>"
    print wide("Chart of the parts’ cost") draw_heat() "</div>"
    for (i = 1; i <= rows["blame-parts"]; i++) at[cell["blame-parts", i, "part"]] = i
    print "<h3>The numbers</h3>\n" wide("Table of parts") "<table><caption>Rows are parts, columns languages" (rows["blame-parts"] ? "; first all languages’ text, with its interval" : "") "</caption>\n<thead><tr>" th("Part", "text")
    if (rows["blame-parts"]) print th("All text") th("Interval")
    for (j = 1; j <= rows["levels"]; j++) print th(esc(cell["levels", j, "lang"]))
    print "</tr></thead>\n<tbody>"
    for (i = 1; i <= n_parts; i++) {
        printf "<tr><th scope=\"row\">%s</th>", esc(part_name(part_at[i]))
        if (rows["blame-parts"]) {
            j = at[part_at[i]]
            printf "%s", td(fixed(cell["blame-parts", j, "estimate"], places_of(heat_most))) td(fixed_span(cell["blame-parts", j, "low"], cell["blame-parts", j, "high"], places_of(heat_most)))
        }
        for (j = 1; j <= rows["levels"]; j++) printf "%s", td(fixed(heat[part_at[i], cell["levels", j, "lang"]], places_of(heat_most)))
        print "</tr>"
    }
    print "</tbody></table></div>"
}
function blame_span(part, lang,    i) {
    for (i = 1; i <= rows["blame"]; i++)
        if (cell["blame", i, "part"] == part && cell["blame", i, "lang"] == lang && cell["blame", i, "low"] != "")
            return " (95 % interval " span(cell["blame", i, "low"], cell["blame", i, "high"]) ")"
    return ""
}
# The part that costs all languages' text most, and how sure that is
function part_words(    i, most) {
    for (i = 1; i <= rows["blame-parts"]; i++)
        if (cell["blame-parts", i, "estimate"] != "" && (!most || cell["blame-parts", i, "estimate"] > cell["blame-parts", most, "estimate"])) most = i
    if (!most) return ""
    return " Over all languages’ text " esc(part_name(cell["blame-parts", most, "part"])) " costs most, " num(cell["blame-parts", most, "estimate"]) " (" \
        span(cell["blame-parts", most, "low"], cell["blame-parts", most, "high"]) "), in " per_cent(cell["blame-parts", most, "first"] / cell["blame-parts", most, "resamples"]) " of the draws of lines."
}
# Whether parts add up, by the languages whose damage is shown to be above 0: of about nothing a ratio says nothing
function add_words(    i, v, low, high, column, lang, l, off, left, n) {
    column = history["damage"] == "kl" ? "additivity_kl" : "additivity"
    for (i = 1; i <= rows["levels"]; i++) l[cell["levels", i, "lang"]] = cell["levels", i, "low"]
    for (i = 1; i <= rows["sens"]; i++) {
        if (cell["sens", i, "quant"] != history["plan"] || cell["sens", i, "part"] != "all") continue
        v = cell["sens", i, column]; lang = cell["sens", i, "lang"]
        if (v == "") continue
        if (l[lang] == "" || l[lang] <= 0) { left++; continue }
        n++
        if (low == "" || v < low) low = v + 0
        if (high == "" || v > high) high = v + 0
        if (v < 0.8 || v > 1.25) off = off (off == "" ? "" : ", ") name_of(lang)
    }
    if (!n) return ""
    return " All parts together cost " num(low) (high > low ? " to " num(high) : "") " times the sum of the parts, by language" (left ? " (" left " left out, whose damage may be 0)" : "") "; the recipe takes them to add up (1)." \
        (off == "" ? "" : " <b>Outside 0.8 to 1.25 they do not: " esc(off) ". There the choice of widths rests on sums that are off.</b>")
}
function put_recipe(    i, arm, n, list, label, k, parts) {
    print "<h2>The recipe</h2>"
    print "<p>Least damage to the worst-off language" (predicted ? ", as predicted," : "") " at " (history["budget"] != "" ? esc(history["budget"]) " bits a weight" : "the size of the plan") \
        (history["protect"] != "" ? "; " esc(history["protect"]) " counts " esc(history["times"]) " times over" : "") ":</p>"
    print wide("The recipe") "<table><caption>Bits of each part; scales are in the bytes</caption>\n<thead><tr>" th("Bits") th("Parts", "text") th("Bytes") "</tr></thead>\n<tbody>"
    for (k = 16; k >= 2; k--) {
        parts = ""; n = 0
        for (i = 1; i <= rows["recipe-worst"]; i++)
            if (cell["recipe-worst", i, "bits"] + 0 == k) { parts = parts (parts == "" ? "" : ", ") part_name(cell["recipe-worst", i, "part"]); n += cell["recipe-worst", i, "bytes"] }
        if (parts != "") print "<tr><th scope=\"row\">" k "</th>" td(esc(parts), "text wrap") td(size(n)) "</tr>"
    }
    print "</tbody></table></div>"
    if (!rows["judged"]) return
    if (recipe_width() == "" && !helps("worst")) print "<p><b>Measured, it is not shown to help: see below.</b></p>"
    label["plan"] = "The plan"; label[rival()] = toupper(substr(rival_name(), 1, 1)) substr(rival_name(), 2); label["worst"] = "The recipe"; label["gptq"] = "GPTQ"; label["mean"] = "For the mean"; label["position"] = "By position"
    print "<h3>Measured against controls</h3>\n<p>On the even lines, which nothing was chosen from, in " esc(unit()) ". Taken off is what the worst-off language’s damage falls by against " rival_name() \
        (history["budget"] == "" ? "" : rival() == "plan" ? ", no other width being within the budget and larger" : ", of the menu’s widths within the budget the largest") ", with a 95 % interval." \
        (judged("gptq", "bytes") == "" ? "" : " GPTQ: " (rival() == "plan" ? "the plan’s width" : substr(rival(), 6) " bits") ", calibrated on the odd lines, all languages alike, matrix by matrix.") \
        " Controls: the recipe for the least mean over languages instead; the recipe’s own widths, to the byte, put by llama.cpp’s rule of position (first and last eighth, every third layer between), and put at random.</p>\n" \
        wide("The recipe and its controls") "<table><caption>Recipes and GPTQ on the even lines</caption>\n<thead><tr>" \
        th("Recipe", "text") th("Mean") th("Worst") th("of", "text") th("Taken off") th("Interval") th("Bytes") "</tr></thead>\n<tbody>"
    n = split((rival() == "plan" ? "" : "plan ") rival() " worst gptq mean position", list, " ")
    for (i = 1; i <= n; i++) put_arm(list[i], label[list[i]], list[i] == best_arm())
    for (i = 1; i <= rows["judged"]; i++) {
        arm = cell["judged", i, "arm"]
        if (arm ~ /^random-/) put_arm(arm, "At random, " substr(arm, 8), 0)
    }
    print "</tbody></table></div>"
    put_before_after()
}
function put_arm(arm, label, ours) {
    if (judged(arm, "bytes") == "") return
    print "<tr" (ours ? " class=\"ours\"" : "") "><th scope=\"row\">" label "</th>" td(damage(judged(arm, "mean"))) td(damage(judged(arm, "worst"))) td(esc(name_of(judged(arm, "worst_lang"))), "text") \
        (arm == rival() ? td("") td("") : td(damage(judged(arm, "less"))) td(damage_span(judged(arm, "less_low"), judged(arm, "less_high")))) td(judged(arm, "bytes")) "</tr>"
}
function put_before_after(    i, l, a, e, gptq) {
    gptq = judged("gptq", "bytes") != ""
    for (i = 1; i <= rows["arms"]; i++) a[cell["arms", i, "arm"], cell["arms", i, "lang"]] = cell["arms", i, "estimate"]
    for (i = 1; i <= rows["expected-worst"]; i++) e[cell["expected-worst", i, "lang"]] = cell["expected-worst", i, "damage"]
    print "<h3>By language</h3>\n" wide("Plan and recipe by language") "<table><caption>Damage in " esc(unit()) " on the even lines</caption>\n<thead><tr>" th("Language", "text") th("Plan") th("Recipe") th("Expected<br/>from odd lines") (gptq ? th("GPTQ") : "") "</tr></thead>\n<tbody>"
    for (i = 1; i <= rows["levels"]; i++) { l = cell["levels", i, "lang"]; print "<tr>" row_head(l) td(damage(a["plan", l])) td(damage(a["worst", l])) td(damage(e[l])) (gptq ? td(damage(a["gptq", l])) : "") "</tr>" }
    print "</tbody></table></div>"
}
# Lines for the shell that make what an engine loads
function put_handover(    model, recipe) {
    model = esc(history["model"]); recipe = esc(history["directory"]) "/recipe-worst.csv"
    print "<h2>Handing it over</h2>\n<p>From the folder that make was run in, into new ones:</p>"
    if (recipe_width() != "") {
        print "<p>" recipe_width() " bits for all, rounded, in the model’s own dtype:</p>"
        put_commands("rounded", "modelcat " model " | wquant --bits " recipe_width() plan_options() " -o rounded/model.safetensors")
    } else {
        print "<p>The recipe, rounded, in the model’s own dtype: transformers and vLLM load the directory; the file has the size of the model as it is.</p>"
        put_commands("recipe", "modelcat " model " | wquant --recipe " recipe " -o recipe/model.safetensors")
        if (!unpackable("recipe"))
            put_pack("Packed, at the size of the recipe, for transformers and vLLM (compressed-tensors)" (history["part"] == "layer" ? "" : "; vLLM asks that q, k and v of a layer have one width, and gate and up") ":", "recipe-packed", "modelcat " model " | wquant --recipe " recipe " --pack recipe-packed")
        else print "<p>It cannot be packed for them: " unpackable("recipe") "." (unpackable("recipe") ~ /^only/ ? " One that can: <code>BITS=4 MENU=\"4 8\" BUDGET=5</code>." : "") "</p>"
        if (history["model_type"] !~ /^(xglm|opt)$/)
            print "<p>For llama.cpp, from the model as its convert_hf_to_gguf.py makes it; its grids are others, whose damage was not measured here:</p>\n<pre>modelcat " model " | wquant --recipe " recipe " --llama-cpp types.txt &gt; /dev/null\nllama-quantize --tensor-type-file types.txt model-bf16.gguf recipe.gguf Q8_0</pre>"
    }
    if (judged("gptq", "bytes") != "") {
        print "<p>GPTQ, in the model’s own dtype:</p>"
        put_commands("gptq", "tensorcat -o gptq/model.safetensors " esc(history["directory"]) "/gptq.t")
        if (!unpackable("gptq"))
            put_pack("Packed:", "gptq-packed", "modelcat --compress 0 " model " &gt; model.t\nwquant --bits " gptq_bits() " " esc(history["gptqing"]) " --pack gptq-packed model.t")
    }
}
function put_commands(into, command) { print "<pre>mkdir " into "\ncp " esc(history["handed"]) " " into "/\n" command "</pre>" }
function put_pack(words, into, command,    tokenizer) {
    tokenizer = " " history["handed"]
    gsub(/ [^ ]*\/config\.json/, "", tokenizer)           # a packed model has its own
    print "<p>" words "</p>\n<pre>" command (tokenizer == "" ? "" : "\ncp" esc(tokenizer) " " into "/") "</pre>"
}
function gptq_bits() { return rival() == "plan" ? bits_of(history["plan"]) : substr(rival(), 6) }
function plan_options(    s) { s = history["plan"]; sub(/^[^,]*/, "", s); gsub(/,per=/, " --per ", s); gsub(/,clip=/, " --clip ", s); return esc(s) }
# Why no engine has a place for it, "" if there is one
function unpackable(what,    i, b, bits) {
    if (history["model_type"] == "gpt2") return "GPT-2 stores its matrices as Conv1D, for which compressed-tensors has no layer"
    if (history["plan"] ~ /,per=tensor,/) return "it takes a scale for each channel or group"
    if (what == "gptq") return gptq_bits() ~ /^(4|8|16)$/ ? "" : "only widths of 4 and 8 bits can be"
    for (i = 1; i <= rows["recipe-worst"]; i++) {
        b = cell["recipe-worst", i, "bits"]
        if (b !~ /^(4|8|16)$/ && index(bits, b) == 0) bits = bits (bits == "" ? "" : ", ") b
    }
    return bits == "" ? "" : "only widths of 4 and 8 bits can be, and it has " bits
}
# Sorts v[1..n] in place
function sort_numbers(v, n,    i, j, t) {
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
}
function median(v, n) { sort_numbers(v, n); return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2 }
# How far the languages of prediction.csv are missed, each by the scale of the others
function missed_words(    i, n, e, m, better) {
    for (i = 1; i <= rows["prediction"]; i++)
        if (cell["prediction", i, "error"] != "") { n++; e[n] = absolute(cell["prediction", i, "error"]); m[n] = absolute(cell["prediction", i, "mean_error"]) }
    if (n < 3) return "Too few languages were measured to say how well damage can be predicted."
    better = median(e, n) < median(m, n)
    return "Its scale taken from the other languages, a language’s damage is missed by " num(median(e, n)) " in the median and " num(e[n]) " at most (n = " n "); the others’ mean, said of each, misses by " num(median(m, n)) " and " num(m[n]) "." \
        (better ? "" : " So there the prediction is no better than no prediction.")
}
function put_prediction() {
    print "<h2>Prediction</h2>"
    if (!predicted)
        print "<p>Had nothing been run quantised: the relative error of the parts’ outputs ranks the languages by damage with Spearman’s ρ = " num(cell["prediction-rank", 1, "estimate"]) \
            (cell["prediction-rank", 1, "low"] != "" ? " (95 % interval " span(cell["prediction-rank", 1, "low"], cell["prediction-rank", 1, "high"]) ")" : "") ". " missed_words() "</p>"
    else
        print "<p>The index is the error that rounding makes in each part’s output, relative to that output, on the language’s own text: the mean over parts" (history["damage"] == "delta_bits_per_byte" ? ", for each byte" : "") ". " \
            (history["calibration"] != "" ? "Its scale comes from " esc(history["calibration"]) ", where damage was measured: damage is the index times the ratio of sums there, the interval between the least and the largest ratio of a language there. " missed_words() " If that was another model or another width, how well the scale carries over is not known." \
            : "No model was measured to give it a scale, so it ranks languages and says nothing about how much, or whether, they are hurt; how well it ranks on this model is not known either.") "</p>"
}
function item(name, value) { print "<dt>" name "</dt><dd>" esc(value) "</dd>" }
function put_how() {
    print "<h2>How it was made</h2>\n<dl>"
    item("Model", history["model"]); item("Its weights", "SHA-256 " history["weights_sha256"]); item("Its config", "SHA-256 " history["config_sha256"])
    item("Text", history["text"] ", " rows["levels"] " languages, " history["lines"] " lines, " history["bytes"] " bytes" (history["parallel"] == "yes" ? "; parallel: a draw takes the same lines in all languages" : "; not parallel: languages are drawn apart"))
    item("Its halves", history["choose"] " lines to choose by, " history["judge"] " to judge by" (history["repeated"] > 0 ? "; " plural(history["repeated"], "line repeats another and is", "lines repeat others and are") " on the side of the first of them" : "; none in both"))
    item("Its SHA-256", history["text_sha256"])
    item("Damage", history["damage"] ", limit " history["limit"])
    item("Recipe from", history["part"] " by " history["part"] ", widths " history["menu"] (predicted ? ", predicted" : ", odd lines; judged on even ones"))
    if (!predicted) item("Intervals", history["resamples"] " draws of lines, percentiles, seed " history["seed"])
    item("Programs", history["version"])
    print "</dl>\n<pre>" esc(history["command"]) "</pre>\n<p class=\"soft\">Every number on this page is in a table in " esc(history["directory"]) ". The same inputs give the same bytes.</p>"
}
function put_not() {
    print "<h2>What was not measured</h2>\n<ul>"
    if (predicted) print "<li>Any damage: no quantised model was run.</li>"
    print "<li>Other text than this one, and any task: loss on text is not translation, reasoning or safety.</li>"
    print "<li>Languages that are not in the table; a model may fail in them unseen.</li>"
    print "<li>Quantised activations or caches, embeddings and heads: only the layers’ matrices are rounded" (judged("gptq", "bytes") == "" ? ", to nearest; GPTQ and AWQ would give other damage" : ", to nearest but for GPTQ’s rows; AWQ, and GPTQ of the recipe’s widths, would give other damage") ".</li>"
    print "<li>Speed, and the kernels of any engine.</li>"
    if (!predicted) print "<li>Languages are judged one at a time: with many, some interval misses its mark by chance (one in twenty). An interval is about other lines of this kind of text, not about other texts. The largest of several noisy damages leans high.</li>"
    print "</ul>"
}
