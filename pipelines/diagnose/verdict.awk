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
function more_perplexity(ratio) { return (ratio < 1 ? "−" : "+") (absolute(ratio - 1) < 0.0995 ? sprintf("%.1f %%", 100 * absolute(ratio - 1)) : per_cent(absolute(ratio - 1))) " perplexity" }
function worst_words(    i) {
    if (!rows["levels"] || cell["levels", 1, "level"] == "ranked") return ""
    if (cell["levels", 1, "level"] == "broken") return "Worse than guessing once rounded: " list_level("broken") "."
    return "Worst off: " name_of(cell["levels", 1, "lang"]) ", " damage(cell["levels", 1, "estimate"]) " " unit() " more than unrounded (" \
        (history["predict"] != "" ? "by the ratios seen where damage was measured " : "95 % interval ") damage_span(cell["levels", 1, "low"], cell["levels", 1, "high"]) ")" \
        (history["predict"] != "" ? "" : ", " more_perplexity(cell["levels", 1, "perplexity"] / cell["levels", 1, "ref_perplexity"])) \
        (cell["levels", 1, "worst_share"] != "" ? "; it is the worst off in " per_cent(cell["levels", 1, "worst_share"]) " of the draws of lines." : ".")
}
function helps(arm) { return judged(arm, "langs") != "" && judged(arm, "langs") == judged(rival(), "langs") && judged(arm, "less_low") > 0 }
# GPTQ or the recipe, whichever is to be taken; "" if neither is shown to help. Where neither is shown to be better than the other, the
# smaller one; of the same size the recipe, which is simpler: it only rounds.
function best_arm() {
    if (recipe_width() != "" || !helps("worst")) return helps("gptq") ? "gptq" : ""
    if (!helps("gptq") || judged("gptq", "recipe_less_high") < 0) return "worst"
    return judged("gptq", "recipe_less_low") > 0 || is_recipe_larger() ? "gptq" : "worst"
}
function is_recipe_larger() { return judged("worst", "bytes") > 1.005 * judged("gptq", "bytes") }
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
        bits = bits_of(q)
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
    if (best_arm() != "")
        return "What to do: take " (best_arm() == "gptq" ? "GPTQ" : "the recipe") " rather than " rival_name() room_words(best_arm()) other_words() ". " wider
    if (recipe_width() != "" || judged("worst", "worst") == "" || judged("worst", "langs") != judged(rival(), "langs")) return "What to do: nothing of that size is proved better than " rival_name() ". " wider
    return "What to do: leave the recipe; it " (judged("worst", "less_high") < 0 ? "is worse than " : judged("worst", "less") < 0 ? "looks worse than " : "is not shown to be better than ") rival_name() ". " wider
}
function room_words(arm) {
    return larger(arm) > 0 ? ", if there is room for " per_cent(larger(arm)) " more bytes than the plan’s" : larger(arm) < 0 ? ", if the model has to be " per_cent(-larger(arm)) " smaller than planned" : ", if the size must stay"
}
# Of two that help, why this one
function other_words() {
    if (recipe_width() != "" || !helps("worst") || !helps("gptq")) return ""
    if (judged("gptq", "recipe_less_low") > 0) return "; the recipe helps too, less"
    if (judged("gptq", "recipe_less_high") < 0) return "; GPTQ helps too, less" (is_recipe_larger() ? ", and is smaller" : "")
    return best_arm() == "gptq" ? "; the recipe helps too, but is larger and not shown to be better" \
        : "; GPTQ helps too, but is not shown to be better than the recipe, which is simpler"
}
# What an arm takes off the worst-off language's damage: in short, and the numbers
function less_words(arm,    less) {
    less = judged(arm, "less")
    return (judged(arm, "less_low") > 0 ? " hurts the worst-off language " per_cent(less / judged(rival(), "worst")) " less than " rival_name() \
        : judged(arm, "less_high") < 0 ? " hurts the worst-off language more than " rival_name() ": do not use it" : " is not shown to help the worst-off language") \
        " (damage " damage(judged(rival(), "worst")) (rival() == "plan" ? "" : " with " rival_name()) " to " damage(judged(arm, "worst")) "; " (less < 0 ? "more" : "less") " by " damage(absolute(less)) \
        ", 95 % interval " (less < 0 ? damage_span(-judged(arm, "less_high"), -judged(arm, "less_low")) : damage_span(judged(arm, "less_low"), judged(arm, "less_high"))) ")."
}
function size_words(arm) {
    return larger(arm) ? per_cent(absolute(larger(arm))) (larger(arm) > 0 ? " larger" : " smaller") " than the plan (" size(judged("plan", "bytes")) ")" : "the plan’s size"
}
function gptq_words() {
    if (judged("gptq", "bytes") == "" || judged("gptq", "langs") != judged(rival(), "langs")) return ""
    return "GPTQ at " (rival() == "plan" ? "the plan’s width" : substr(rival(), 6) " bits") ", calibrated on the other lines with all languages alike," \
        (larger("gptq") ? " " size_words("gptq") "," : "") less_words("gptq")
}
function recipe_words(    k, s) {
    if (recipe_width() == bits_of(history["plan"])) return "No recipe" (history["budget"] != "" ? " within the budget" : " of the same size") " is expected to do better than one width for all."
    if (recipe_width() != "") return "Within the budget, " recipe_width() " bits for all are expected to do best."
    if (history["predict"] != "") return "A recipe " (history["budget"] != "" ? "of " history["budget"] " bits a weight" : "of the same size") " is proposed from predictions; it has not been measured."
    if (judged("worst", "worst") == "") return "The recipe leaves the model worse than guessing."
    if (judged("worst", "langs") != judged(rival(), "langs"))
        return "On lines that the recipe was not chosen from, " rival_name() " leaves " (rows["levels"] - judged(rival(), "langs")) " of " rows["levels"] \
            " languages worse than guessing, the recipe " (rows["levels"] - judged("worst", "langs")) "; their damage cannot be compared."
    s = "On lines that it was not chosen from, the recipe of " size(judged("worst", "bytes")) ", " size_words("worst") "," less_words("worst")
    k = random_as_good()
    if (!n_random || !helps("worst")) return s
    return s (k ? " " k " of " plural(n_random, "random recipe", "random recipes") " of its bytes " (k == 1 ? "does" : "do") " as well: where the widths go matters little here." \
                : " None of " plural(n_random, "random recipe", "random recipes") " of its bytes does as well.")
}
