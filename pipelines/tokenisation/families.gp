# families.gp - a colour and a shape for each family of scripts (data/scripts.csv), and other things figures share.
# SPDX-License-Identifier: GPL-3.0-or-later
families = "'Latin' 'other alphabets' 'Arabic and Hebrew' 'East Asian' 'South Asian' " \
  . "'South-East Asian and Tibetan' 'Ethiopic'"
colour(i) = word(blue." ".sky." ".green." ".black." ".vermil." ".orange." ".purple, i)
shape(i)  = int(word("7 5 13 9 7 5 11", i))
number(f) = sum [i = 1:words(families)] (word(families, i) eq f ? i : 0)
listed(i) = system("mlr --icsv --onidx filter '$family == \"".word(families, i)."\"' then count ".csv) > 0 ? word(families, i) : ""
only(i, x) = strcol("family") eq word(families, i) ? x : NaN

# the name of the language that all are compared with
compared = plain(system("mlr --icsv --onidx filter '$stem == \"".reference."\"' then cut -f name ".index))

# what a figure calls a tokenizer, and what to say of it: from tokenizers.csv, if it is listed there
about(field, t) = system(sprintf("awk -F, '$1 == \"%s\" { print $%d }' %s", t, field, known))
called(t) = about(2, t) eq "" ? t : about(2, t)

# an estimate of a table with its interval in words, 0.77 [0.63, 0.86], of the row that meets a Miller condition
told(file, condition) = system(sprintf("mlr --icsv --onidx filter '%s' then put -q '", condition) \
    . 'print is_empty($estimate) ? "undefined" : fmtnum($estimate, "%.2f") . (is_empty($low) ? "" : ' \
    . '" [" . fmtnum($low, "%.2f") . ", " . fmtnum($high, "%.2f") . "]")' . "' ".file)
