# What the numbers come to, in sentences. Each is a rule that diagnose.mk states; nothing is judged by eye.
# SPDX-License-Identifier: GPL-3.0-or-later
function list_level(level,    i, s, n) {
    for (i = 1; i <= rows["levels"]; i++)
        if (cell["levels", i, "level"] == level) s = s (n++ ? ", " : "") name_of(cell["levels", i, "lang"])
    return s
}
function count_level(level,    i, n) {
    for (i = 1; i <= rows["levels"]; i++) n += cell["levels", i, "level"] == level
    return n + 0
}
function judged(arm, column,    i) {
    for (i = 1; i <= rows["judged"]; i++)
        if (cell["judged", i, "arm"] == arm) return cell["judged", i, column]
    return ""
}
# The one width that the recipe has for all, "" if it has several
function recipe_width(    i) {
    for (i = 2; i <= rows["recipe-worst"]; i++) if (cell["recipe-worst", i, "bits"] != cell["recipe-worst", 1, "bits"]) return ""
    return cell["recipe-worst", 1, "bits"]
}
function plan_bits(    bits) { bits = history["plan"]; gsub(/^bits=|,.*/, "", bits); return bits }
# What recipes are held against
function rival() { return rows["judged"] ? cell["judged", 1, "against"] : "plan" }
function rival_name() { return rival() == "plan" ? "the plan" : substr(rival(), 6) " bits for all" }
# Of the random recipes, how many hurt the worst-off language as little as the recipe; n_random is how many there are
function random_as_good(    i, k) {
    n_random = 0
    for (i = 1; i <= rows["judged"]; i++)
        if (cell["judged", i, "arm"] ~ /^random-/) {
            n_random++
            k += cell["judged", i, "worst"] <= judged("worst", "worst") + 0
        }
    return k + 0
}
function headline_words(    bad, n) {
    n = rows["levels"]
    bad = count_level("hurt") + count_level("broken")
    if (count_level("ranked")) return "Predicted order only: " name_of(cell["levels", 1, "lang"]) " is expected to lose most, " name_of(cell["levels", n, "lang"]) " least."
    if (!bad && !count_level("unclear")) return (history["predict"] != "" ? "No language is predicted to be hurt." : "No language is hurt.")
    if (!bad) return "No language is " (history["predict"] != "" ? "predicted" : "shown") " to be hurt; " plural(count_level("unclear"), "is", "are") " unclear."
    if (bad == n) return "Every language is " (history["predict"] != "" ? "predicted to be " : "") "hurt."
    return bad " of " n " languages " (bad == 1 ? "is " : "are ") (history["predict"] != "" ? "predicted to be " : "") "hurt" \
        (count_level("unclear") ? "; " plural(count_level("unclear"), "is", "are") " unclear." : ".")
}
function worst_words(    i) {
    if (!rows["levels"] || cell["levels", 1, "level"] == "ranked") return ""
    if (cell["levels", 1, "level"] == "broken") return "Worse than guessing once rounded: " list_level("broken") "."
    return "Worst off: " name_of(cell["levels", 1, "lang"]) ", " damage(cell["levels", 1, "estimate"]) " " unit() " more than unrounded (" \
        (history["predict"] != "" ? "by the ratios seen where damage was measured " : "95 % interval ") damage_span(cell["levels", 1, "low"], cell["levels", 1, "high"]) ")" \
        (cell["levels", 1, "worst_share"] != "" ? "; it is the worst off in " per_cent(cell["levels", 1, "worst_share"]) " of the draws of lines." : ".")
}
function recipe_helps() { return judged("worst", "langs") == judged(rival(), "langs") && judged("worst", "less_low") > 0 }
# How much larger than the plan an arm is, as a share; what is less than 0.5 % is nothing
function larger(arm,    share) { share = judged(arm, "bytes") / judged("plan", "bytes") - 1; return absolute(share) < 0.005 ? 0 : share }
function absolute(x) { return x < 0 ? -x : x + 0 }
# The least width of the menu at which every language is spared: its bits; "" if there is none
function safe_bits(    i, q, bits, least, bad, seen) {
    for (i = 1; i <= rows["damage"]; i++) {
        q = cell["damage", i, "quant"]; seen[q] = 1
        if (cell["damage", i, "high"] == "" || cell["damage", i, "high"] > history["limit"] + 0) bad[q] = 1
    }
    for (q in seen) {
        bits = q; sub(/^bits=/, "", bits); sub(/,.*/, "", bits)
        if (!(q in bad) && (least == "" || bits + 0 < least + 0)) least = bits
    }
    return least
}
# What follows for whoever has to decide; nothing from a prediction
function action_words(    safe, n, wider) {
    if (history["predict"] != "") return ""
    n = rows["levels"] - count_level("spared")
    if (!n) return "What to do: quantise as planned."
    safe = safe_bits()
    wider = safe == "" ? "No width of the menu spares every language." : safe " bits spare every language."
    if (recipe_width() != "" || judged("worst", "worst") == "" || judged("worst", "langs") != judged(rival(), "langs")) return "What to do: no recipe is proved better than " rival_name() ". " wider
    if (recipe_helps()) return "What to do: take the recipe rather than " rival_name() ", " (larger("worst") > 0 ? "if there is room for " per_cent(larger("worst")) " more bytes than the plan’s" : \
        larger("worst") < 0 ? "if the model has to be " per_cent(-larger("worst")) " smaller than planned" : "if the size must stay") ". " wider
    return "What to do: leave the recipe; it " (judged("worst", "less_high") < 0 ? "is worse than " : judged("worst", "less") < 0 ? "looks worse than " : "is not shown to be better than ") rival_name() ". " wider
}
function recipe_words(    k, less, share, s) {
    if (recipe_width() == plan_bits()) return "No recipe" (history["budget"] != "" ? " within the budget" : " of the same size") " is expected to do better than one width for all."
    if (recipe_width() != "") return "Within the budget, " recipe_width() " bits for all are expected to do best."
    if (history["predict"] != "") return "A recipe " (history["budget"] != "" ? "of " history["budget"] " bits a weight" : "of the same size") " is proposed from predictions; it has not been measured."
    if (judged("worst", "worst") == "") return "The recipe leaves the model worse than guessing."
    if (judged("worst", "langs") != judged(rival(), "langs"))
        return "On lines that the recipe was not chosen from, " rival_name() " leaves " (rows["levels"] - judged(rival(), "langs")) " of " rows["levels"] \
            " languages worse than guessing, the recipe " (rows["levels"] - judged("worst", "langs")) "; their damage cannot be compared."
    less = judged("worst", "less"); share = less / judged(rival(), "worst")
    s = "On lines that it was not chosen from, the recipe of " size(judged("worst", "bytes")) ", " (larger("worst") ? per_cent(absolute(larger("worst"))) (larger("worst") > 0 ? " larger" : " smaller") " than the plan (" size(judged("plan", "bytes")) ")," \
        : "the plan’s size,")
    if (judged("worst", "less_low") > 0) s = s " hurts the worst-off language " per_cent(share) " less than " rival_name()
    else if (judged("worst", "less_high") < 0) s = s " hurts the worst-off language more than " rival_name() ": do not use it"
    else s = s " is not shown to help the worst-off language"
    s = s " (damage " damage(judged(rival(), "worst")) (rival() == "plan" ? "" : " with " rival_name()) " to " damage(judged("worst", "worst")) "; " (less < 0 ? "more" : "less") " by " damage(less < 0 ? -less : less) \
        ", 95 % interval " (less < 0 ? damage_span(-judged("worst", "less_high"), -judged("worst", "less_low")) \
                                     : damage_span(judged("worst", "less_low"), judged("worst", "less_high"))) ")."
    k = random_as_good()
    if (!n_random || !recipe_helps()) return s
    return s (k ? " " k " of " plural(n_random, "random recipe", "random recipes") " of its bytes " (k == 1 ? "does" : "do") " as well: where the widths go matters little here." \
                : " None of " plural(n_random, "random recipe", "random recipes") " of its bytes does as well.")
}
