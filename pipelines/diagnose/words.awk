# The verdict as text. SPDX-License-Identifier: GPL-3.0-or-later
BEGIN {
    read_all()
    print "Verdict: " headline_words()
    if (worst_words() != "") print "Verdict: " worst_words()
    print "Verdict: " recipe_words()
    if (gptq_words() != "") print "Verdict: " gptq_words()
    if (action_words() != "") print "Verdict: " action_words()
}
