# wiki.sed - MediaWiki's messages: links keep their words, templates their first form; parameters and quote marks go.
# SPDX-License-Identifier: GPL-3.0-or-later
s/\[\[[^]|]*|\([^]]*\)\]\]/\1/g
s/\[\[\([^]]*\)\]\]/\1/g
s/\[[a-z]*:\/\/[^] ]* \([^]]*\)\]/\1/g
s/{{[A-Za-z]*:[^{}|]*|\([^{}|]*\)[^{}]*}}/\1/g
s/{{[^{}]*}}//g
s/'''*//g
s/\$[0-9]//g
