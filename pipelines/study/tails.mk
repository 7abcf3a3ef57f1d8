# tails.mk - how heavy are the tails of the weights, and where?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured: excess kurtosis (normal: 0) of every matrix, and of each layer's MLP matrices together.
# Decided beforehand: a layer is an outlier layer if the excess kurtosis of its MLP weights is above OUTLIER; tails are
# heavier than normal where it is more than two standard errors above 0. Role matters if the role of the heaviest matrix is
# the same in most layers.
$(DIR)/tails.txt: $(HOW)/tails.mlr $(DIR)/tails.csv $(DIR)/layers.csv
	$(call say,-s outlier=$(OUTLIER)) > $@

$(eval $(call experiment,tails,tails))
