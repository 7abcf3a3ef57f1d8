/* overlap.h - is the text that a model is tuned on also the text that it is judged by?  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_OVERLAP_H
#define WEIGHTS_OVERLAP_H

/* Lines of the files `tests` that are, blanks at their ends aside, also lines of the files `texts` are
 * counted, and if there are any a warning says how many of how many, and the first. Lists are NULL-ended;
 * token streams are passed over, blank lines do not count. Ends the program when a file cannot be read. */
void overlap_warn(char *const *texts, char *const *tests);

#endif
