# figures.mk - all studies, one after the other: make -f pipelines/figures.mk [STUDIES=tokenisation] [a study's knobs]
# SPDX-License-Identifier: GPL-3.0-or-later
#
# With MODEL= the study is of that model; else of those that are shipped, each for itself and the first against the second.
SHIPPED := $(patsubst %/config.json,%,$(foreach m,bloom-style xglm-style,$(wildcard pipelines/data/models/$(m)/config.json)))
MODEL   ?= $(firstword $(SHIPPED))
MODEL2  ?= $(if $(filter $(MODEL),$(SHIPPED)),$(word 2,$(SHIPPED)))
STUDIES ?= recorded tokenisation $(if $(wildcard pipelines/data/variants/tails.csv),variants) $(if $(MODEL),study)
ONE      = @$(MAKE) --no-print-directory -f pipelines/$@.mk
.PHONY: figures $(STUDIES)
figures: $(STUDIES)
$(filter-out study,$(STUDIES)):
	$(ONE)
ifneq ($(filter study,$(STUDIES)),)
study:
	$(if $(MODEL2),$(ONE) MODEL=$(MODEL2) MODEL2=)
	$(ONE) MODEL=$(MODEL) MODEL2=$(MODEL2)
endif
