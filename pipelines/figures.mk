# figures.mk - all studies, one after the other: make -f pipelines/figures.mk [STUDIES=tokenisation] [a study's knobs]
# SPDX-License-Identifier: GPL-3.0-or-later
STUDIES ?= recorded tokenisation
.PHONY: figures $(STUDIES)
figures: $(STUDIES)
$(STUDIES):
	@$(MAKE) --no-print-directory -f pipelines/$@.mk
