# use.mk - does each language use layers of its own?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured: mean |activation| of a layer over a language's tokens as a share of all layers, at mlp_out (what the MLP adds) and at
# resid (the stream behind the layer, which is what a hook on the MLP of the reference code's BLOOM sees), with the first
# token of each text and without.
# Decided beforehand: languages use layers differently at a site if a share, first tokens left out, is more than a tenth off
# the mean of all languages anywhere; the first token matters at a site if leaving it out changes a share by more than a tenth.
$(DIR)/use.txt: $(HOW)/use-words.mlr $(DIR)/use.csv
	$(call say,) > $@

$(eval $(call experiment,use,use-off))
